package import Identifiers
import Link

/// Which shards of a model are one node's fair share.
///
/// All nodes are put in the order of BLAKE3(node id ‖ model id), and the model's shards are dealt out in that order: of
/// `n` shards among `N` nodes, the node at place `r` (from 0) gets shards `⌊r·n/N⌋ ..< ⌊(r+1)·n/N⌋`, and at least the
/// first of them.
///
/// So a share is one run, which costs a request a single hop. Shares differ by one shard at most. As soon as every node
/// of the swarm has asked, every shard is covered: once where there are no more nodes than shards, evenly often where
/// there are more. Each model has its own order, so that no node always gets the first layers.
package enum FairShare {
    /// The share of `node` among itself and `peers`, in order. Nodes that are named more than once count once.
    ///
    /// - Parameter count: how many shards the model has.
    package static func shards(
        of model: ModelID, count: Int, for node: NodeID, among peers: some Sequence<NodeID>
    ) -> [ShardIndex] {
        guard count > 0 else { return [] }
        let own = ShardRank(node: node, model: model)
        let others = Set(peers).subtracting([node])
        let place = others.count { ShardRank(node: $0, model: model) < own }
        let nodes = others.count + 1
        let first = place * count / nodes
        let end = max(first + 1, (place + 1) * count / nodes)
        return (first..<end).compactMap { ShardIndex($0) }
    }
}
