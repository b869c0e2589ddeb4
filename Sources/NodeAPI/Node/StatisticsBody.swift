/// `GET /api/admin/stats`.
package struct StatisticsBody: Codable, Sendable, Hashable {
    package struct Credits: Codable, Sendable, Hashable {
        package var balance = 0
        package var lifetimeEarned = 0
        package var lifetimeSpent = 0
    }

    /// A megabyte is 2^20 bytes.
    package struct Hardware: Codable, Sendable, Hashable {
        @Nullable package var gpuName: String?
        @Nullable package var gpuVramMb: Int?
        @Nullable package var gpuVramUsedMb: Int?
        /// Whether engines compute on the GPU.
        package var gpuInference: Bool
        /// What engines compute with, once one has said so.
        @Nullable package var inferenceBackend: String?
        package var modelsOnCpuFallback: [String]
        @Nullable package var memoryBandwidthGbps: Double?
        @Nullable package var estTokensPerSec7B: Double?
        package var totalRamMb: Int
        package var usedRamMb: Int
        package var processRssMb: Int
        package var availableDiskMb: Int
        package var totalDiskMb: Int
        package var usedDiskMb: Int
        package var cpuName: String
        package var cpuCores: Int

        package init(
            gpuName: String?, gpuVramMb: Int?, gpuVramUsedMb: Int?, gpuInference: Bool, inferenceBackend: String?,
            modelsOnCpuFallback: [String], memoryBandwidthGbps: Double?, estTokensPerSec7B: Double?, totalRamMb: Int,
            usedRamMb: Int, processRssMb: Int, availableDiskMb: Int, totalDiskMb: Int, usedDiskMb: Int, cpuName: String,
            cpuCores: Int
        ) {
            self.gpuName = gpuName
            self.gpuVramMb = gpuVramMb
            self.gpuVramUsedMb = gpuVramUsedMb
            self.gpuInference = gpuInference
            self.inferenceBackend = inferenceBackend
            self.modelsOnCpuFallback = modelsOnCpuFallback
            self.memoryBandwidthGbps = memoryBandwidthGbps
            self.estTokensPerSec7B = estTokensPerSec7B
            self.totalRamMb = totalRamMb
            self.usedRamMb = usedRamMb
            self.processRssMb = processRssMb
            self.availableDiskMb = availableDiskMb
            self.totalDiskMb = totalDiskMb
            self.usedDiskMb = usedDiskMb
            self.cpuName = cpuName
            self.cpuCores = cpuCores
        }
    }

    /// Latencies have one decimal; without samples only the average is there, as null.
    package struct Inference: Codable, Sendable, Hashable {
        package var totalRequests: Int
        @Nullable package var avgLatencyMs: Double?
        package var minLatencyMs: Double?
        package var maxLatencyMs: Double?
        package var p50LatencyMs: Double?
        package var p95LatencyMs: Double?
        package var p99LatencyMs: Double?
        package var samples: Int

        package init(
            totalRequests: Int, avgLatencyMs: Double?, minLatencyMs: Double? = nil, maxLatencyMs: Double? = nil,
            p50LatencyMs: Double? = nil, p95LatencyMs: Double? = nil, p99LatencyMs: Double? = nil, samples: Int
        ) {
            self.totalRequests = totalRequests
            self.avgLatencyMs = avgLatencyMs
            self.minLatencyMs = minLatencyMs
            self.maxLatencyMs = maxLatencyMs
            self.p50LatencyMs = p50LatencyMs
            self.p95LatencyMs = p95LatencyMs
            self.p99LatencyMs = p99LatencyMs
            self.samples = samples
        }
    }

    /// Ways of being quicker of which a node has none yet.
    package struct SwarmSpec: Codable, Sendable, Hashable {
        package struct Nothing: Codable, Sendable, Hashable {}

        package struct NGram: Codable, Sendable, Hashable {
            package var hits = 0
            package var misses = 0
            package var total = 0
            package var hitRate = 0.0
        }

        package var hedge = Nothing()
        package var prefetch = Nothing()
        package var ngram = NGram()
    }

    /// 64 hexadecimal digits.
    package var nodeId: String
    package var version: String
    package var uptimeSeconds: Int64
    /// No credits are kept yet: everybody is in the first tier with nothing.
    package var tier = "Bronze"
    /// Those that are connected now.
    package var peers: Int
    package var requestsServed: Int
    package var forwardsServed: Int
    package var requestsMade: Int
    package var activeRequests: Int
    package var hostedShards: Int
    package var credits = Credits()
    package var hardware: Hardware
    package var inference: Inference
    package var swarmSpec = SwarmSpec()

    package init(
        nodeId: String, version: String, uptimeSeconds: Int64, peers: Int, requestsServed: Int, forwardsServed: Int,
        requestsMade: Int, activeRequests: Int, hostedShards: Int, hardware: Hardware, inference: Inference
    ) {
        self.nodeId = nodeId
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.peers = peers
        self.requestsServed = requestsServed
        self.forwardsServed = forwardsServed
        self.requestsMade = requestsMade
        self.activeRequests = activeRequests
        self.hostedShards = hostedShards
        self.hardware = hardware
        self.inference = inference
    }
}
