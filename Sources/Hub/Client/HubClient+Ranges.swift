import NIOCore
import Synchronization

extension HubClient {
    /// Reads many ranges of a file over several connections. Neighbouring ranges come with one request, long ones in pieces.
    ///
    /// - Parameters:
    ///   - ranges: in any order; bytes that several have come once.
    ///   - connections: how many pieces are read at once; what the configuration says when nil.
    ///   - onBytes: takes wanted bytes only. It is called by several tasks at once, for each piece in order.
    /// - Throws: as ``read(_:range:onBytes:)``; when one piece fails the others are given up.
    package func readAll(
        _ file: HubFile, ranges: [Range<UInt64>], connections: Int? = nil, onBytes: @escaping Taker
    ) async throws {
        let connections = max(1, connections ?? configuration.connections)
        let spans = RangePlan.join(ranges, gap: configuration.longestGapBytes)
        let total = spans.reduce(UInt64(0)) { $0 + ($1.range.upperBound - $1.range.lowerBound) }
        let share = max(total / UInt64(connections), 1 << 20)
        let pieces = RangePlan.split(spans, at: max(1, min(configuration.pieceBytes, share)))
        let waiting = PieceQueue(pieces)
        // The first bytes settle what the file store calls the file's state, by which the other connections notice another one.
        let (begun, begin) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            func add() {
                group.addTask {
                    defer { begin.finish() }
                    while let piece = waiting.next() {
                        try await self.read(file, range: piece.range) { chunk, offset in
                            begin.finish()
                            try await Self.deliver(chunk, at: offset, wanted: piece.wanted, to: onBytes)
                        }
                    }
                }
            }
            add()
            for await _ in begun {}
            for _ in 1..<max(1, min(connections, pieces.count)) { add() }
            try await group.waitForAll()
        }
    }

    /// Hands on what of `chunk` is wanted.
    private static func deliver(
        _ chunk: ByteBuffer, at offset: UInt64, wanted: [Range<UInt64>], to onBytes: Taker
    ) async throws {
        let end = offset + UInt64(chunk.readableBytes)
        for range in wanted where range.upperBound > offset && range.lowerBound < end {
            let part = range.clamped(to: offset..<end)
            let start = chunk.readerIndex + Int(part.lowerBound - offset)
            if let bytes = chunk.getSlice(at: start, length: Int(part.upperBound - part.lowerBound)) {
                try await onBytes(bytes, part.lowerBound)
            }
        }
    }
}

/// Pieces that several tasks take in turn.
private final class PieceQueue: Sendable {
    private let pieces: Mutex<ArraySlice<RangePlan.Span>>

    init(_ pieces: [RangePlan.Span]) { self.pieces = Mutex(pieces[...]) }

    func next() -> RangePlan.Span? { pieces.withLock { $0.popFirst() } }
}
