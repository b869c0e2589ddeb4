package import Acquisition
package import Identifiers
import Link

/// A model as the node admin API shows it.
package struct ModelSummary: Sendable, Hashable {
    /// One shard of the model.
    package struct Shard: Sendable, Hashable {
        package var index: Int
        package var sizeBytes: Int
        /// On this node's disk.
        package var isLocal: Bool
        /// In this node's memory.
        package var isLoaded: Bool
        /// Never given up by the node itself.
        package var isLocked: Bool
        /// Other nodes that hold it.
        package var holders: [NodeID]
        /// Other nodes that are fetching it.
        package var fetchers: [Fetcher]

        package init(
            index: Int, sizeBytes: Int, isLocal: Bool, isLoaded: Bool, isLocked: Bool = false, holders: [NodeID],
            fetchers: [Fetcher] = []
        ) {
            self.index = index
            self.sizeBytes = sizeBytes
            self.isLocal = isLocal
            self.isLoaded = isLoaded
            self.isLocked = isLocked
            self.holders = holders
            self.fetchers = fetchers
        }
    }

    /// Another node that is fetching a shard.
    package struct Fetcher: Sendable, Hashable {
        package var node: NodeID
        /// From 0 to 100; nil where it does not say.
        package var percent: Int?

        package init(node: NodeID, percent: Int? = nil) {
            self.node = node
            self.percent = percent
        }
    }

    /// The file that turns images into embeddings for the model.
    package struct Projector: Sendable, Hashable {
        /// On this node's disk.
        package var isLocal: Bool
        /// Other nodes that hold it.
        package var holders: [NodeID]

        package init(isLocal: Bool, holders: [NodeID] = []) {
            self.isLocal = isLocal
            self.holders = holders
        }
    }

    package var id: String
    package var name: String
    package var totalSizeBytes: Int
    /// In order of index; empty for a model that is known only from peers.
    package var shards: [Shard]
    /// The reachable nodes, this one included, hold every layer.
    package var isCovered: Bool
    /// This node has the model's header.
    package var hasHeader: Bool
    /// Other nodes that hold something of it; the holders of its shards are always among them.
    package var peers: Set<NodeID>
    package var trust: ModelTrust.Level
    /// Where its publisher has it, where that is known.
    package var origin: ModelOrigin?
    /// Its header was read on the hub, and nothing else of it is here.
    package var isProbed: Bool
    /// Nil where none is known.
    package var projector: Projector?
    /// The latest download of its shards.
    package var download: DownloadStatus?

    package init(
        id: String, name: String, totalSizeBytes: Int, shards: [Shard], isCovered: Bool, hasHeader: Bool,
        peers: Set<NodeID> = [], trust: ModelTrust.Level = .discovered, origin: ModelOrigin? = nil,
        isProbed: Bool = false, projector: Projector? = nil, download: DownloadStatus? = nil
    ) {
        self.id = id
        self.name = name
        self.totalSizeBytes = totalSizeBytes
        self.shards = shards
        self.isCovered = isCovered
        self.hasHeader = hasHeader
        self.peers = peers.union(shards.lazy.flatMap(\.holders))
        self.trust = trust
        self.origin = origin
        self.isProbed = isProbed
        self.projector = projector
        self.download = download
    }
}

/// Every model that is known.
package struct ModelSummaryList: Sendable {
    package var models: [ModelSummary]
    /// Lists of one version are equal; nil where nobody counts.
    package var version: UInt64?

    package init(_ models: [ModelSummary], version: UInt64? = nil) {
        self.models = models
        self.version = version
    }
}

extension ModelSummary {
    package var localCount: Int { shards.count { $0.isLocal } }
    package var availableCount: Int { shards.count { $0.isLocal || !$0.holders.isEmpty } }

    /// Bytes of the shards that are here.
    package var localBytes: Int { shards.reduce(0) { $0 + ($1.isLocal ? $1.sizeBytes : 0) } }

    /// What it takes in memory: weights and what is computed beside them.
    package var estimatedMemoryMegabytes: Int { Int(Double(totalSizeBytes) * 1.15) >> 20 }

    package var status: String {
        // Without its header nothing can be asked here, whatever others hold.
        guard hasHeader else { return "available" }
        if isCovered, shards.contains(where: \.isLoaded) { return "loaded" }
        if isCovered { return "ready" }
        return localCount > 0 ? "partial" : "available"
    }

    package var source: String {
        if localCount == 0 { return "network" }
        return localCount == shards.count ? "local" : "hybrid"
    }

    /// How near the model is to being here, for the list of what models take.
    package var readiness: String {
        if localCount == shards.count, !shards.isEmpty { return "ready" }
        if download?.state.isActive == true { return "downloading" }
        return availableCount == shards.count && !shards.isEmpty ? "available" : "incomplete"
    }
}
