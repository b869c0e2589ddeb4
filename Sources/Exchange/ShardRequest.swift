package import BLAKE3
package import Identifiers

/// A shard of one very model, as one node asks another for it.
package struct ShardRequest: Sendable, Hashable {
    /// Most ranges of one request. Their messages stay far below what a link takes.
    package static let maximumRanges = 4096
    /// Most bytes of a shard in one message.
    package static let maximumChunkBytes = 256 << 10

    package let shard: ShardID
    package let manifestHash: BLAKE3.Digest

    package init(_ shard: ShardID, manifestHash: BLAKE3.Digest) {
        self.shard = shard
        self.manifestHash = manifestHash
    }
}
