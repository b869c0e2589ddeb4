import Hub
import NIOCore
import ShoalTestSupport
import Synchronization
import Testing

extension SeededRandom {
    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededRandom(seed: seed)
        let words = (0..<(count + 7) / 8).map { _ in generator.next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}

/// What is delivered of a file: where it lies, and whether the bytes are the file's.
final class Delivery: Sendable {
    private struct State {
        var ranges: [Range<UInt64>] = []
        var isRight = true
    }

    private let file: ByteBuffer
    private let state = Mutex(State())

    init(of file: [UInt8]) { self.file = ByteBuffer(bytes: file) }

    func take(_ chunk: ByteBuffer, at offset: UInt64) {
        let isRight = file.getSlice(at: Int(offset), length: chunk.readableBytes) == chunk
        state.withLock { state in
            state.ranges.append(offset..<offset + UInt64(chunk.readableBytes))
            state.isRight = state.isRight && isRight
        }
    }

    /// Whether all bytes that came are those of the file, and none came twice.
    var isRight: Bool {
        state.withLock { state in
            let ranges = state.ranges.sorted { $0.lowerBound < $1.lowerBound }
            return state.isRight && zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
        }
    }

    /// Whether exactly the bytes of `wanted` came, each once.
    func isExactly(_ wanted: [Range<UInt64>]) -> Bool {
        isRight && Self.joined(state.withLock { $0.ranges }) == Self.joined(wanted)
    }

    private static func joined(_ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
        var joined: [Range<UInt64>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = joined.last, range.lowerBound <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        return joined
    }
}

extension HubClient {
    /// Reads a range into memory.
    func bytes(_ file: HubFile, _ range: Range<UInt64>) async throws -> [UInt8] {
        let taken = TakenBytes()
        try await read(file, range: range) { chunk, offset in
            taken.append(chunk, isNext: { offset == range.lowerBound + $0 })
        }
        return taken.bytes
    }
}

/// Bytes that come in order.
private final class TakenBytes: Sendable {
    private let state = Mutex<[UInt8]>([])

    var bytes: [UInt8] { state.withLock { $0 } }

    func append(_ chunk: ByteBuffer, isNext: (UInt64) -> Bool) {
        state.withLock { bytes in
            if !isNext(UInt64(bytes.count)) { Issue.record("bytes come out of order") }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
    }
}
