import BLAKE3
import GGUF
import GRPCCore
package import Identifiers
import Link
package import Logging
package import ModelLibrary
import Synchronization
package import Timing

/// Sends shards to peers: those that the library holds and has proven, and nothing else.
package final class ShardServer: Sendable {
    /// Bytes that are read before the library is asked again whether they were the shard's. They wait in the processor's
    /// caches to be sent.
    private static let batchBytes = 1 << 20
    /// Bytes of one message: whole pages of the file, and together with what is around them no more than the buffers of a
    /// power of two that transports take.
    private static let chunkBytes = ShardRequest.maximumChunkBytes - (4 << 10)
    private let library: ModelLibrary
    private let promises: ShardPromises
    private let clock: NodeClock
    private let logger: Logger
    private let ledger: Mutex<SendingLedger>
    /// What is sent to all peers together.
    package let bandwidth: BandwidthLimit

    /// - Parameter promises: what the node keeps for others, which it must not give up meanwhile.
    package init(
        library: ModelLibrary, promises: ShardPromises = ShardPromises(), bandwidth: BandwidthLimit = BandwidthLimit(),
        limits: SendingLedger.Limits = SendingLedger.Limits(), clock: NodeClock = .system,
        logger: Logger = Logger(label: "exchange")
    ) {
        self.library = library
        self.promises = promises
        self.bandwidth = bandwidth
        self.clock = clock
        self.logger = logger
        ledger = Mutex(SendingLedger(limits: limits))
    }

    /// The shards that are being sent now. Deleting one ends its sendings.
    package var inUse: Set<ShardID> { ledger.withLock { $0.inUse } }

    /// - Parameter givingUpOwn: whether the asker gives its copy up, and counts on this node to keep its own.
    /// - Returns: the hash of a shard that is held here; nil otherwise.
    func hash(of asked: ShardRequest, givingUpOwn: Bool) async throws -> BLAKE3.Digest? {
        let (id, shard) = (asked.shard.model, asked.shard.index)
        guard let model = try? await library.model(id), model.manifestHash == asked.manifestHash,
            model.held.contains(shard), let hash = model.manifest[shard: shard]?.hash
        else { return nil }
        guard givingUpOwn else { return hash }
        // It may have gone since it was looked for; from the promise on it stays.
        guard promises.promise(id, shard), try await library.model(id).held.contains(shard) else { return nil }
        return hash
    }

    /// - Parameter ranges: what to send, of the shard's own ranges.
    /// - Throws: `RPCError`; what `ranges` throws.
    func send(
        _ asked: ShardRequest, to peer: NodeID, over response: RPCWriter<ShardChunk>,
        ranges: ([ByteRange]) throws -> [ByteRange]
    ) async throws {
        try begin(asked.shard, to: peer)
        defer { ledger.withLock { $0.ended(asked.shard, to: peer) } }
        do {
            let reading = try await library.reading(
                of: asked.shard.index, id: asked.shard.model, manifestHash: asked.manifestHash)
            let ranges = try ranges(reading.ranges)
            try await StallWatch.run(limit: ReaderPace.longestWait, clock: clock) { watch in
                try await self.send(ranges, of: reading, to: response, watch: watch)
            }
        } catch {
            throw refusal(of: asked.shard, to: peer, error)
        }
    }

    private func begin(_ shard: ShardID, to peer: NodeID) throws(RPCError) {
        let refusal = ledger.withLock { ledger -> SendingLedger.Refusal? in
            do throws(SendingLedger.Refusal) {
                try ledger.began(shard, to: peer)
                return nil
            } catch {
                return error
            }
        }
        switch refusal {
        case nil: return
        case .busy(let count):
            throw RPCError(
                code: .resourceExhausted, message: "\(count) shards are being sent already; ask again later")
        case .busyWithPeer(let count):
            throw RPCError(
                code: .resourceExhausted,
                message: "\(count) shards are being sent to this node already; ask again when one is through")
        }
    }

    /// What a peer is told of a failure.
    private func refusal(of shard: ShardID, to peer: NodeID, _ error: any Error) -> any Error {
        switch error {
        case let error as LibraryError where error.code == .shardNotFound || error.code == .modelNotFound:
            return RPCError(code: .notFound, message: "\(shard) is not held here")
        case is LibraryError:
            logger.error(
                "a shard cannot be read, and is not sent to a peer: check the disk",
                metadata: ["shard": "\(shard)", "peer": "\(peer)", "error": "\(error)"])
            return RPCError(code: .internalError, message: "\(shard) cannot be read here")
        case is StallWatch.Stalled:
            return RPCError(
                code: .resourceExhausted, message: "too little is read of what is sent; ask for the rest later")
        default:
            return error
        }
    }

    /// Reads a batch, makes sure that it was the shard's, and sends it chunk by chunk.
    private func send(
        _ ranges: [ByteRange], of reading: ShardReading, to response: RPCWriter<ShardChunk>, watch: StallWatch
    ) async throws {
        var pieces = ChunkCursor(ranges)
        var pace = ReaderPace()
        while !pieces.isAtEnd {
            var batch: [ShardChunk] = []
            var bytes = 0
            let chunkBytes = bandwidth.portion(of: Self.chunkBytes)
            while bytes < min(Self.batchBytes, chunkBytes * 16), let piece = pieces.next(atMost: chunkBytes) {
                batch.append(try Self.read(piece, of: reading))
                bytes += Int(piece.length)
            }
            guard try await library.isHeld(reading) else {
                throw RPCError(
                    code: .notFound, message: "shard \(reading.shard) of \(reading.model) is not held here any more")
            }
            for chunk in batch {
                try await bandwidth.take(chunk.count)
                guard !pace.isTooSlow else { throw StallWatch.Stalled() }
                let begun = clock.now()
                try await watch.wait(atMost: pace.allowance) { try await response.write(chunk) }
                pace.took(chunk.count, after: clock.now() - begun)
            }
        }
    }

    private static func read(_ piece: ByteRange, of reading: ShardReading) throws -> ShardChunk {
        try ShardChunk(part: UInt32(piece.part), offset: piece.offset, count: Int(piece.length)) { buffer in
            try reading.read(part: piece.part, at: piece.offset, into: buffer)
        }
    }
}

/// Cuts ranges into pieces, in order.
struct ChunkCursor {
    private let ranges: [ByteRange]
    private var place = 0
    private var done: UInt64 = 0

    init(_ ranges: [ByteRange]) { self.ranges = ranges }

    var isAtEnd: Bool { place == ranges.count }

    mutating func next(atMost bytes: Int) -> ByteRange? {
        guard place < ranges.count else { return nil }
        let range = ranges[place]
        let length = min(range.length - done, UInt64(bytes))
        let piece = ByteRange(part: range.part, offset: range.offset + done, length: length)
        done += length
        if done == range.length { (place, done) = (place + 1, 0) }
        return piece
    }
}
