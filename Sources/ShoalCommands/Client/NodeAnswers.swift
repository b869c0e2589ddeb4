/// `GET /api/admin/stats`, as far as the command line shows it.
struct NodeStatistics: Decodable, Sendable {
    struct Hardware: Decodable, Sendable {
        var cpuName: String?
        var cpuCores: Int?
        var totalRamMb: Int?
        var usedRamMb: Int?
        var availableDiskMb: Int?
        var processRssMb: Int?
        var gpuName: String?
    }

    struct Inference: Decodable, Sendable {
        var totalRequests: Int?
        var avgLatencyMs: Double?
    }

    var nodeId: String
    var version: String
    var uptimeSeconds: Int64
    var peers: Int
    var requestsServed: Int?
    var requestsMade: Int?
    var forwardsServed: Int?
    var activeRequests: Int?
    var hostedShards: Int?
    var hardware: Hardware?
    var inference: Inference?
}

/// One of `GET /api/admin/peers`.
struct PeerSummary: Decodable, Sendable {
    var nodeId: String
    var nickname: String?
    var latencyMs: Double?
    var healthy: Bool
    var gpu: String?
    var version: String?
    var uptimeSeconds: Int64?
    var hostedModels: [String]
    /// Models that the node has no word of.
    var omittedModels: Int?
    var hostedShards: Int
    var addresses: [String]
    /// RFC 3339.
    var lastSeen: String?
}

/// One of `GET /api/admin/models`.
struct ModelSummary: Decodable, Sendable {
    struct Shard: Decodable, Sendable {
        var index: Int
        var sizeBytes: Int64?
        var local: Bool
        var holders: Int?
        var inVram: Bool?
    }

    var id: String
    var name: String
    var totalSizeBytes: Int64
    var shardCount: Int
    var hostedShards: Int
    var status: String
    var healthy: Bool
    var peersHosting: Int
    var shards: [Shard]
    /// "downloading" or "failed"; nil where nothing is fetched.
    var acquisition: String?
}

/// `GET /api/admin/models/{id}/metadata`, as far as the command line needs it.
struct ModelMetadata: Decodable, Sendable {
    struct General: Decodable, Sendable {
        var name: String?
        var architecture: String?
        var quantization: String?
    }

    struct Model: Decodable, Sendable {
        var vocabSize: Int?
        var contextLength: Int?
        var blockCount: Int?
        var embeddingLength: Int?
    }

    var general: General?
    var model: Model
}

/// `GET /v1/models`.
struct ServedModels: Decodable, Sendable {
    struct Model: Decodable, Sendable {
        struct Meta: Decodable, Sendable {
            var size: Int64?
            var nodes: [String]?
        }

        var id: String
        var meta: Meta?
    }

    var data: [Model]
}
