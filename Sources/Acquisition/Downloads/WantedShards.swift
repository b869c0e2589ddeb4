package import Identifiers
import Link
package import ModelLibrary

/// Which shards of a model somebody wants to be here.
package enum WantedShards: Sendable, Hashable {
    case all
    /// This node's part, if every node of the swarm took its own (``FairShare``).
    case fairShare
    case some(ShardSelection)
    /// Both: this node's part, and these.
    case fairShareAnd(ShardSelection)

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
        case .fairShareAnd(let selection):
            return try WantedShards.fairShare.indices(of: manifest, for: node, among: peers)
                .union(WantedShards.some(selection).indices(of: manifest, for: node, among: peers))
        }
    }

    /// What is wanted when both were asked for.
    func joined(with other: WantedShards) -> WantedShards {
        if self == .all || other == .all { return .all }
        let selected = named.union(other.named)
        guard hasShare || other.hasShare else { return .some(ShardSelection(selected)) }
        return selected.isEmpty ? .fairShare : .fairShareAnd(ShardSelection(selected))
    }

    /// The shards that are asked for by their numbers.
    private var named: Set<ShardIndex> {
        switch self {
        case .all, .fairShare: []
        case .some(let selection), .fairShareAnd(let selection): selection.indices
        }
    }

    /// Whether this node's part is asked for.
    private var hasShare: Bool {
        switch self {
        case .all, .some: false
        case .fairShare, .fairShareAnd: true
        }
    }

    private static let shareText = "fair-share"

    /// The form in which it is stored.
    var stored: String {
        switch self {
        case .all: "all"
        case .fairShare: Self.shareText
        case .some(let selection): selection.description
        case .fairShareAnd(let selection): "\(Self.shareText)+\(selection)"
        }
    }

    init?(stored text: String) {
        switch text {
        case "all": self = .all
        case Self.shareText: self = .fairShare
        default:
            let prefix = Self.shareText + "+"
            let hasShare = text.hasPrefix(prefix)
            guard let selection = try? ShardSelection(parsing: hasShare ? text.dropFirst(prefix.count) : text[...])
            else { return nil }
            self = hasShare ? .fairShareAnd(selection) : .some(selection)
        }
    }
}
