import BLAKE3
package import GGUF
import GRPCCore
package import Identifiers
import Link
package import ModelLibrary
package import Swarm
import Synchronization
package import Timing

/// Another node of the swarm, as somebody who sends bytes of shards.
package struct PeerSupplier: ShardSupplier {
    package struct Limits: Sendable {
        /// How long nothing may come.
        package var stall: Duration = .seconds(15)
        /// Ranges of one request; further ones are asked for afterwards.
        package var rangesPerRequest = 1024

        package init() {}
    }

    private let peer: NodeID
    private let membership: any Membership
    private let limits: Limits
    private let clock: NodeClock

    package init(peer: NodeID, membership: any Membership, limits: Limits = Limits(), clock: NodeClock = .system) {
        self.peer = peer
        self.membership = membership
        self.limits = limits
        self.clock = clock
    }

    package var name: SupplierName { .peer(peer) }

    /// - Throws: `ExchangeError`: `notHeldThere`, `supplierBusy`, `supplierFailed` also where other bytes came than were
    ///   asked for; what `receive` throws; `CancellationError`.
    package func send(
        _ ranges: [ByteRange], of shard: ShardIndex, model: LibraryModel,
        to receive: @Sendable (_ bytes: UnsafeRawBufferPointer, _ part: Int, _ offset: UInt64) async throws -> Void
    ) async throws {
        try Task.checkCancellation()
        let shard = ShardID(model: model.id, index: shard)
        do {
            let channel = try await membership.channel(to: peer)
            let request = ShardRequest(shard, manifestHash: model.manifestHash)
            var rest = ranges[...]
            while !rest.isEmpty {
                let some = Array(rest.prefix(limits.rangesPerRequest))
                rest = rest.dropFirst(some.count)
                try await withoutActuallyEscaping(receive) { receive in
                    try await fetch(request, some, from: channel, to: receive)
                }
            }
        } catch {
            throw failure(shard, error)
        }
    }

    private func fetch(
        _ request: ShardRequest, _ ranges: [ByteRange], from channel: LinkChannel,
        to receive: @escaping @Sendable (UnsafeRawBufferPointer, Int, UInt64) async throws -> Void
    ) async throws {
        try await StallWatch.run(limit: limits.stall, clock: clock) { watch in
            try await watch.wait {
                try await channel.fetchShard(.init(request, ranges: ranges)) { chunks in
                    try await Self.take(chunks, ranges, watch: watch, to: receive)
                }
            }
        }
    }

    private static func take(
        _ chunks: RPCAsyncSequence<ShardChunk, any Error>, _ ranges: [ByteRange], watch: StallWatch,
        to receive: @Sendable (UnsafeRawBufferPointer, Int, UInt64) async throws -> Void
    ) async throws {
        var order = ChunkOrder(ranges)
        var rest = chunks.makeAsyncIterator()
        while let chunk = try await watch.wait({ try await rest.next() }) {
            try order.accept(part: chunk.part, offset: chunk.offset, count: chunk.count)
            try await chunk.withUnsafeBytes { try await receive($0, Int(chunk.part), chunk.offset) }
        }
        try Task.checkCancellation()
        guard order.isComplete else { throw ChunkOrder.Violation(description: "less than was asked for") }
    }

    private func failure(_ shard: ShardID, _ error: any Error) -> any Error {
        if Task.isCancelled { return CancellationError() }
        func failure(_ code: ExchangeError.Code, _ what: String) -> ExchangeError {
            ExchangeError(code, "node \(peer.short) \(what)", cause: error)
        }
        switch error {
        case let error as RPCError where error.code == .notFound || error.code == .failedPrecondition:
            return failure(.notHeldThere, "does not have \(shard): \(PeerWords.quoted(error.message))")
        case let error as RPCError where error.code == .resourceExhausted:
            return failure(.supplierBusy, "does not send \(shard) now: \(PeerWords.quoted(error.message))")
        case let error as RPCError:
            return failure(.supplierFailed, "did not send all of \(shard): \(PeerWords.quoted(error.message))")
        case let error as LinkError:
            return failure(.supplierFailed, "cannot be reached for \(shard): \(PeerWords.quoted(error.message))")
        case let violation as ChunkOrder.Violation:
            return failure(.supplierFailed, "sent \(violation) of \(shard)")
        case is StallWatch.Stalled:
            return failure(.supplierFailed, "fell silent while it sent \(shard)")
        default:
            return error
        }
    }
}
