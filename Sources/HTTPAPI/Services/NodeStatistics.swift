package import Identifiers
package import Inference
import JSON
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

extension NodeStatistics {
    /// The body of `GET /api/admin/stats`.
    func json(version: String) -> JSONValue {
        [
            "node_id": .string(nodeID.hex),
            "version": .string(version),
            "uptime_seconds": .integer(Int(uptime.components.seconds)),
            // No credits are kept yet: everybody is in the first tier with nothing.
            "tier": "Bronze",
            "peers": .integer(connectedPeers),
            "requests_served": .integer(inference.requestsServed),
            "forwards_served": .integer(inference.forwardsServed),
            "requests_made": .integer(inference.requestsMade),
            "active_requests": .integer(inference.activeRequests),
            "hosted_shards": .integer(hostedShards),
            "credits": ["balance": 0, "lifetime_earned": 0, "lifetime_spent": 0],
            "hardware": hardware.json,
            "inference": inference.json,
            "swarm_spec": [
                "hedge": .object([]), "prefetch": .object([]),
                "ngram": ["hits": 0, "misses": 0, "total": 0, "hit_rate": 0.0],
            ],
        ]
    }
}

extension HardwareStatistics {
    /// What each token of a model of 7 thousand million parameters in Q4_K_M reads, in bytes.
    private static let bytes7B = 4.37e9
    /// How much of the memory's speed decoding reached where both were measured.
    private static let decodingShare = 0.9

    /// How fast a model of 7 thousand million parameters decodes here, by what memory allows.
    package var estimatedTokensPerSecond7B: Double? { memoryBandwidth.map { $0 * Self.decodingShare / Self.bytes7B } }

    fileprivate var json: JSONValue {
        [
            "gpu_name": .optional(gpuName),
            "gpu_vram_mb": .optional(gpuMemoryBytes.map { $0 >> 20 }),
            "gpu_vram_used_mb": .optional(usedGPUMemoryBytes.map { $0 >> 20 }),
            "gpu_inference": .bool(usesGPU),
            "inference_backend": .optional(backEnd),
            "models_on_cpu_fallback": .array(modelsOnProcessorFallback.map { .string($0) }),
            "memory_bandwidth_gbps": .optional(memoryBandwidth.map { tenths($0 / 1e9) }),
            "est_tokens_per_sec_7b": .optional(estimatedTokensPerSecond7B.map(tenths)),
            "total_ram_mb": .integer(memoryBytes >> 20),
            "used_ram_mb": .integer(usedMemoryBytes >> 20),
            "process_rss_mb": .integer(residentBytes >> 20),
            "available_disk_mb": .integer(availableDiskBytes >> 20),
            "total_disk_mb": .integer(diskBytes >> 20),
            "used_disk_mb": .integer(max(0, diskBytes - availableDiskBytes) >> 20),
            "cpu_name": .string(processorName),
            "cpu_cores": .integer(processorCores),
        ]
    }
}

extension InferenceStatistics {
    /// Latencies with one decimal; without samples only what needs none.
    fileprivate var json: JSONValue {
        guard let latency else {
            return ["total_requests": .integer(requestsMade), "avg_latency_ms": nil, "samples": 0]
        }
        func rounded(_ value: Double) -> JSONValue { .number(tenths(value)) }
        return [
            "total_requests": .integer(requestsMade),
            "avg_latency_ms": rounded(latency.average),
            "min_latency_ms": rounded(latency.minimum),
            "max_latency_ms": rounded(latency.maximum),
            "p50_latency_ms": rounded(latency.p50),
            "p95_latency_ms": rounded(latency.p95),
            "p99_latency_ms": rounded(latency.p99),
            "samples": .integer(latency.samples),
        ]
    }
}

extension JSONValue {
    static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    static func optional(_ value: Int?) -> JSONValue { value.map { .integer($0) } ?? .null }
    static func optional(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
}

private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
