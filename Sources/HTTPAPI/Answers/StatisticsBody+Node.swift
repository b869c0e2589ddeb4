import Identifiers
import Inference
import NodeAPI

extension StatisticsBody {
    init(_ statistics: NodeStatistics, version: String) {
        let inference = statistics.inference
        self.init(
            nodeId: statistics.nodeID.hex, version: version, uptimeSeconds: statistics.uptime.components.seconds,
            peers: statistics.connectedPeers, requestsServed: inference.requestsServed,
            forwardsServed: inference.forwardsServed, requestsMade: inference.requestsMade,
            activeRequests: inference.activeRequests, hostedShards: statistics.hostedShards,
            hardware: Hardware(statistics.hardware), inference: Inference(inference))
    }
}

extension StatisticsBody.Hardware {
    fileprivate init(_ hardware: HardwareStatistics) {
        self.init(
            gpuName: hardware.gpuName, gpuVramMb: hardware.gpuMemoryBytes.map { $0 >> 20 },
            gpuVramUsedMb: hardware.usedGPUMemoryBytes.map { $0 >> 20 }, gpuInference: hardware.usesGPU,
            inferenceBackend: hardware.backEnd, modelsOnCpuFallback: hardware.modelsOnProcessorFallback,
            memoryBandwidthGbps: hardware.memoryBandwidth.map { tenths($0 / 1e9) },
            estTokensPerSec7B: hardware.estimatedTokensPerSecond7B.map(tenths), totalRamMb: hardware.memoryBytes >> 20,
            usedRamMb: hardware.usedMemoryBytes >> 20, processRssMb: hardware.residentBytes >> 20,
            availableDiskMb: hardware.availableDiskBytes >> 20, totalDiskMb: hardware.diskBytes >> 20,
            usedDiskMb: max(0, hardware.diskBytes - hardware.availableDiskBytes) >> 20,
            cpuName: hardware.processorName, cpuCores: hardware.processorCores)
    }
}

extension StatisticsBody.Inference {
    fileprivate init(_ statistics: InferenceStatistics) {
        let latency = statistics.latency
        self.init(
            totalRequests: statistics.requestsMade, avgLatencyMs: latency.map { tenths($0.average) },
            minLatencyMs: latency.map { tenths($0.minimum) }, maxLatencyMs: latency.map { tenths($0.maximum) },
            p50LatencyMs: latency.map { tenths($0.p50) }, p95LatencyMs: latency.map { tenths($0.p95) },
            p99LatencyMs: latency.map { tenths($0.p99) }, samples: latency?.samples ?? 0)
    }
}

private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
