/// One of `GET /api/admin/downloads`.
struct DownloadSummary: Decodable, Sendable {
    struct Shard: Decodable, Sendable {
        var index: Int
        var state: String
        var downloadedBytes: Int64
        var totalBytes: Int64
        var source: String?

        /// Where its bytes come from, for people.
        var sourceName: String? {
            switch source {
            case "huggingface": "hub"
            case "mixed": "peers and hub"
            default: source
            }
        }
    }

    var modelId: String
    var modelName: String
    var state: DownloadState
    var totalShards: Int
    var totalBytes: Int64
    var downloadedBytes: Int64
    var speedBytesPerSec: Int64
    var etaSecs: Int64?
    var cancellable: Bool
    /// Newest first.
    var log: [String]
    var shardDetails: [Shard]
}

/// `GET /api/admin/downloads`.
struct DownloadList: Decodable, Sendable {
    var downloads: [DownloadSummary]
}

/// What a download is doing: a word, and the reason where there is one.
struct DownloadState: Decodable, Sendable, Equatable {
    var word: String
    var reason: String?

    private struct Reason: Decodable { var reason: String }

    init(_ word: String, reason: String? = nil) {
        self.word = word
        self.reason = reason
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let word = try? container.decode(String.self) {
            self.init(word)
        } else {
            let object = try container.decode([String: Reason].self)
            guard let (word, reason) = object.first else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "the state is empty")
            }
            self.init(word, reason: reason.reason)
        }
    }

    /// Whether nothing more will come.
    var isOver: Bool { ["complete", "failed", "cancelled"].contains(word) }

    /// For people.
    var text: String {
        switch word {
        case "awaiting_manifest": "looking at the model"
        default: reason.map { "\(word): \($0)" } ?? word
        }
    }
}

/// One way to have a model, as the hub lists it.
struct HubVariant: Decodable, Sendable {
    var filename: String
    var sizeBytes: Int64
    var quant: String?
}

/// One of `GET /api/admin/hf/search`.
struct HubSearchHit: Decodable, Sendable {
    var repoId: String
    var downloads: Int
    var likes: Int
    var variants: [HubVariant]
    var recommendedVariant: String?
    var fitsVram: Bool
    var fitsShard: Bool?
}

/// `GET /api/admin/hf/files`.
struct HubFiles: Decodable, Sendable {
    var repoId: String
    var variants: [HubVariant]
    var recommendedVariant: String?
}

/// `GET /api/admin/hf/probe`.
struct HubProbe: Decodable, Sendable {
    var totalSize: Int64
    var shardCount: Int
    var architecture: String
    var architectureSupported: Bool
    var networkReplicas: Int
}

/// `POST /api/admin/hf/download-shards`.
struct HubDownloadStart: Decodable, Sendable {
    var modelId: String
    var shards: [Int]
}

/// `GET /api/admin/shard-storage`.
struct StorageSummary: Decodable, Sendable {
    struct Model: Decodable, Sendable {
        struct Shard: Decodable, Sendable {
            var index: Int
            var local: Bool
            var locked: Bool
        }

        var id: String
        var totalSizeBytes: Int64
        var shardCount: Int
        var localShards: Int
        var localBytes: Int64
        var estimatedVramMb: Int64
        var shards: [Shard]
        var ready: String
    }

    var models: [Model]
    var totalLocalBytes: Int64
    var diskUsageBytes: Int64
    var autoManageEnabled: Bool
    var autoManageMaxStorageMb: Int64
    var maxDiskMb: Int64
    var localVramMb: Int64
    var poolVramMb: Int64
    var peerCount: Int
}

/// `GET /api/admin/schedule`.
struct ScheduleSummary: Decodable, Sendable {
    var enabled: Bool
    var reducedHoursStart: Int
    var reducedHoursEnd: Int
    var reducedContribution: String
    var pruneAggressiveness: String
}
