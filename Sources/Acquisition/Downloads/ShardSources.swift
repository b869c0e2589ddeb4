package import BLAKE3
package import Exchange
package import Identifiers
import Link
package import ModelLibrary

/// Who can be asked for the bytes of one shard now, and what is known of them.
package struct ShardOffer: Sendable {
    /// Suppliers by preference: those of a group send side by side, and the next group is asked only for what the one
    /// before could not send.
    package var groups: [[any ShardSupplier]]
    /// The hash that the shard should have, as its holders say; it binds what comes from peers.
    package var expectedHash: BLAKE3.Digest?

    package init(groups: [[any ShardSupplier]], expectedHash: BLAKE3.Digest? = nil) {
        self.groups = groups
        self.expectedHash = expectedHash
    }
}

/// Where models and shards come from, as functions given by the composition root.
package struct ShardSources: Sendable {
    /// Who has a shard. Throws `AcquisitionError`; no groups where nobody has it now.
    package var offer: @Sendable (_ model: LibraryModel, _ shard: ShardIndex) async throws -> ShardOffer
    /// Brings the header of a model that the library does not have, from wherever it is known. Throws `AcquisitionError`
    /// of code `noSource` where it is known nowhere now.
    package var adoptHeader: @Sendable (_ model: ModelID) async throws -> Void
    /// This node and the others that are connected.
    package var nodes: @Sendable () -> (own: NodeID, peers: [NodeID])
    /// Bytes that models may still take of the disk.
    package var room: @Sendable () async throws -> UInt64
    /// Waits until that many bytes may be received.
    package var admit: @Sendable (_ bytes: Int) async throws -> Void
    /// A peer sent bytes that proved right.
    package var credit: @Sendable (_ peer: NodeID, _ bytes: UInt64) async -> Void
    /// A peer sent bytes that proved wrong.
    package var blame: @Sendable (_ peer: NodeID, _ model: ModelID, _ shard: ShardIndex) async -> Void

    package init(
        offer: @escaping @Sendable (_ model: LibraryModel, _ shard: ShardIndex) async throws -> ShardOffer,
        adoptHeader: @escaping @Sendable (_ model: ModelID) async throws -> Void,
        nodes: @escaping @Sendable () -> (own: NodeID, peers: [NodeID]),
        room: @escaping @Sendable () async throws -> UInt64,
        admit: @escaping @Sendable (_ bytes: Int) async throws -> Void,
        credit: @escaping @Sendable (_ peer: NodeID, _ bytes: UInt64) async -> Void,
        blame: @escaping @Sendable (_ peer: NodeID, _ model: ModelID, _ shard: ShardIndex) async -> Void
    ) {
        self.offer = offer
        self.adoptHeader = adoptHeader
        self.nodes = nodes
        self.room = room
        self.admit = admit
        self.credit = credit
        self.blame = blame
    }
}
