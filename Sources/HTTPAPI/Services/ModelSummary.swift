import ChatTemplate
package import Link

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
        /// Other nodes that hold it.
        package var holders: [NodeID]

        package init(index: Int, sizeBytes: Int, isLocal: Bool, isLoaded: Bool, holders: [NodeID]) {
            self.index = index
            self.sizeBytes = sizeBytes
            self.isLocal = isLocal
            self.isLoaded = isLoaded
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

    package init(
        id: String, name: String, totalSizeBytes: Int, shards: [Shard], isCovered: Bool, hasHeader: Bool,
        peers: Set<NodeID> = []
    ) {
        self.id = id
        self.name = name
        self.totalSizeBytes = totalSizeBytes
        self.shards = shards
        self.isCovered = isCovered
        self.hasHeader = hasHeader
        self.peers = peers.union(shards.flatMap(\.holders))
    }
}

extension ModelSummary {
    private var localCount: Int { shards.count { $0.isLocal } }
    private var availableCount: Int { shards.count { $0.isLocal || !$0.holders.isEmpty } }

    private var status: String {
        if isCovered, shards.contains(where: \.isLoaded) { return "loaded" }
        if isCovered { return "ready" }
        return localCount > 0 ? "partial" : "available"
    }

    private var source: String {
        if localCount == 0 { return "network" }
        return localCount == shards.count ? "local" : "hybrid"
    }

    /// One element of `GET /api/admin/models`.
    var json: JSONValue {
        [
            "id": .string(id),
            "name": .string(name),
            "total_size_bytes": .integer(totalSizeBytes),
            "shard_count": .integer(shards.count),
            "hosted_shards": .integer(localCount),
            "global_available": .integer(availableCount),
            "healthy": .bool(availableCount == shards.count && !shards.isEmpty),
            "status": .string(status),
            "mode": localCount == shards.count && !shards.isEmpty ? "full" : "distributed",
            "source": .string(source),
            "local": .bool(localCount > 0),
            "peers_hosting": .integer(peers.count),
            "shards": .array(shards.map(\.json)),
            // Every model here was imported by the operator or is held by a member of the swarm.
            "trust_level": localCount > 0 ? "Pinned" : "Discovered",
            "encrypted_pipeline": false,
            "has_first_shard": .bool(shards.first?.isLocal ?? false),
            "has_last_shard": .bool(shards.last?.isLocal ?? false),
            "hf_source": nil,
            "has_manifest": .bool(!shards.isEmpty),
            "has_header": .bool(hasHeader),
            "probed": false,
            "mmproj": ["available": false, "local": false, "holders": 0, "holder_ids": []],
            // Weights and what is computed beside them.
            "estimated_vram_mb": .integer(Int(Double(totalSizeBytes) * 1.15) >> 20),
            "acquisition": nil,
            "acquisition_progress": nil,
        ]
    }
}

extension ModelSummary.Shard {
    /// The most holders that are named.
    private static let maximumNamedHolders = 32

    fileprivate var json: JSONValue {
        [
            "index": .integer(index),
            "size_bytes": .integer(sizeBytes),
            "local": .bool(isLocal),
            "holders": .integer(holders.count + (isLocal ? 1 : 0)),
            "holder_ids": .array(holders.sorted().prefix(Self.maximumNamedHolders).map { .string($0.short) }),
            "locked": false,
            "in_vram": .bool(isLoaded),
        ]
    }
}
