/// How soon a node gives up shards that the swarm holds often enough.
///
/// | level | holders beyond the target that stay | held for at least | shards at a time |
/// |---|---|---|---|
/// | conservative | 2, and the target as for more demand | 24 h | 1 |
/// | normal | 1, and the target as for more demand | 1 h | 3 |
/// | aggressive | none | 10 min | 10 |
///
/// Holders beyond the target and the time held keep nodes from fetching and pruning the same shard in turn. Where room
/// is wanted, the first two columns are those of `aggressive`. No level touches the rules that keep copies safe.
package enum PruneAggressiveness: String, Sendable, Hashable, Codable, CaseIterable {
    case normal, aggressive, conservative

    /// Holders beyond the target that are left alone.
    package var spareHolders: Int {
        switch self {
        case .conservative: 2
        case .normal: 1
        case .aggressive: 0
        }
    }

    /// Whether the target is reckoned as for the next higher demand, so that a demand that goes up and down does not
    /// make shards come and go.
    package var expectsMoreDemand: Bool { self != .aggressive }

    /// How long a shard stays at least, in seconds.
    package var minimumHoldSeconds: Double {
        switch self {
        case .conservative: 24 * 3600
        case .normal: 3600
        case .aggressive: 600
        }
    }

    /// Shards that one decision gives up at most.
    package var shardsAtOnce: Int {
        switch self {
        case .conservative: 1
        case .normal: 3
        case .aggressive: 10
        }
    }
}
