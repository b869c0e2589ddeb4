package import Identifiers

/// What became of the wish to hold one more shard.
package enum ShardDownload: Sendable, Hashable {
    /// It is here.
    case alreadyLocal
    /// It is being fetched from that peer, and perhaps others.
    case fromPeer(NodeID)
    /// No peer holds it: it is being fetched from where the model's publisher has it.
    case fromHub(ModelOrigin)
}
