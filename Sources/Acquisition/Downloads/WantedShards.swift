package import Link
package import ModelLibrary

/// Which shards of a model somebody wants to be here.
package enum WantedShards: Sendable, Hashable {
    case all
    /// This node's part, if every node of the swarm took its own (``FairShare``).
    case fairShare
    case some(ShardSelection)

    /// The indices, once it is known how many shards the model has.
    ///
    /// - Throws: `AcquisitionError` of code `badShards` for a shard that the model does not have.
    package func indices(
        of manifest: ModelManifest, for node: NodeID, among peers: some Sequence<NodeID>
    ) throws -> Set<ShardIndex> {
        switch self {
        case .all: return Set(manifest.shardIndices)
        case .fairShare:
            return Set(FairShare.shards(of: manifest.id, count: manifest.shards.count, for: node, among: peers))
        case .some(let selection):
            if let missing = selection.indices.sorted().first(where: { manifest[shard: $0] == nil }) {
                throw AcquisitionError(
                    .badShards, field: "shards",
                    "\(manifest.id) has \(manifest.shards.count) shards, counted from 0: there is no shard \(missing)",
                    isFinal: true)
            }
            return selection.indices
        }
    }

    /// What is wanted when both were asked for.
    func joined(with other: WantedShards) -> WantedShards {
        switch (self, other) {
        case (.all, _), (_, .all): .all
        case (.some(let left), .some(let right)): .some(ShardSelection(left.indices.union(right.indices)))
        case (.fairShare, .fairShare): .fairShare
        case (.fairShare, .some), (.some, .fairShare): .all
        }
    }

    /// The form in which it is stored.
    var stored: String {
        switch self {
        case .all: "all"
        case .fairShare: "fair-share"
        case .some(let selection): selection.description
        }
    }

    init?(stored text: String) {
        switch text {
        case "all": self = .all
        case "fair-share": self = .fairShare
        default:
            guard let selection = try? ShardSelection(parsing: text) else { return nil }
            self = .some(selection)
        }
    }
}
