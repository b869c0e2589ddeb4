package import Identifiers
package import Inference
import Link

/// What the node says about itself.
package struct NodeStatistics: Sendable {
    package var nodeID: NodeID
    package var uptime: Duration
    /// Peers that are connected now.
    package var connectedPeers: Int
    /// Shards on this node's disk.
    package var hostedShards: Int
    package var inference: InferenceStatistics
    package var hardware: HardwareStatistics

    package init(
        nodeID: NodeID, uptime: Duration, connectedPeers: Int, hostedShards: Int, inference: InferenceStatistics,
        hardware: HardwareStatistics
    ) {
        self.nodeID = nodeID
        self.uptime = uptime
        self.connectedPeers = connectedPeers
        self.hostedShards = hostedShards
        self.inference = inference
        self.hardware = hardware
    }
}

/// The machine that the node runs on. Sizes are bytes.
package struct HardwareStatistics: Sendable, Hashable {
    package var processorName = ""
    package var processorCores = 0
    package var memoryBytes = 0
    package var usedMemoryBytes = 0
    /// Resident memory of the daemon and its engines.
    package var residentBytes = 0
    package var diskBytes = 0
    package var availableDiskBytes = 0
    package var gpuName: String?
    package var gpuMemoryBytes: Int?
    package var usedGPUMemoryBytes: Int?
    /// Whether engines compute on the GPU.
    package var usesGPU = false
    /// What engines compute with, once one has said so.
    package var backEnd: String?
    package var modelsOnProcessorFallback: [String] = []
    /// How fast processors read memory, in bytes per second; nil where engines compute on a GPU, whose memory is not measured, and until
    /// it is measured.
    package var memoryBandwidth: Double?

    package init() {}
}

extension HardwareStatistics {
    /// What each token of a model of 7 thousand million parameters in Q4_K_M reads, in bytes.
    private static let bytes7B = 4.37e9
    /// How much of the memory's speed decoding reached where both were measured.
    private static let decodingShare = 0.9

    /// How fast a model of 7 thousand million parameters decodes here, by what memory allows.
    package var estimatedTokensPerSecond7B: Double? { memoryBandwidth.map { $0 * Self.decodingShare / Self.bytes7B } }
}
