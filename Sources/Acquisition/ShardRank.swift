import BLAKE3
package import Identifiers
import Link

/// A node's place in the order of all nodes, for one shard of a model or for a model; smaller comes first.
///
/// The order is that of BLAKE3(node id ‖ model id ‖ shard index as 32 bits, little-endian), read as a number. Every node
/// works out the same order without asking, it is another one for each shard, and it never changes.
package struct ShardRank: Hashable, Sendable, Comparable {
    /// The first 64 bits of the hash.
    package let value: UInt64
    /// Settles what 64 bits leave open.
    package let node: NodeID

    /// The place for one shard.
    package init(node: NodeID, model: ModelID, shard: ShardIndex) {
        var bytes = node.bytes
        bytes += model.rawValue.utf8
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: shard.rawValue).littleEndian) { bytes += $0 }
        self.init(node: node, hash: BLAKE3.hash(bytes))
    }

    /// The place for a model.
    package init(node: NodeID, model: ModelID) {
        self.init(node: node, hash: BLAKE3.hash(node.bytes + model.rawValue.utf8))
    }

    private init(node: NodeID, hash: BLAKE3.Digest) {
        self.node = node
        value = hash.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package static func < (left: ShardRank, right: ShardRank) -> Bool {
        left.value == right.value ? left.node < right.node : left.value < right.value
    }
}
