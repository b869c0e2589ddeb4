import Hub
import NIOCore
import Synchronization
import Testing

/// Seeded randomness (SplitMix64, public domain, Sebastiano Vigna).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }

    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
        }
        return Array(bytes.prefix(count))
    }
}

/// Bytes of a file as they are delivered, and whether any came twice or in a wrong place.
final class Delivery: Sendable {
    private struct State {
        var bytes: [UInt8?]
        var repeated = 0
        var total = 0
    }

    private let state: Mutex<State>

    init(fileBytes: Int) { state = Mutex(State(bytes: Array(repeating: nil, count: fileBytes))) }

    func take(_ chunk: ByteBuffer, at offset: UInt64) {
        state.withLock { state in
            for (position, byte) in zip(Int(offset)..., chunk.readableBytesView) {
                if state.bytes[position] != nil { state.repeated += 1 }
                state.bytes[position] = byte
            }
            state.total += chunk.readableBytes
        }
    }

    /// Bytes that came more than once.
    var repeated: Int { state.withLock { $0.repeated } }
    /// Bytes that came at all.
    var total: Int { state.withLock { $0.total } }

    /// Whether what came are bytes of `file`, each in its place.
    func agrees(with file: [UInt8]) -> Bool {
        state.withLock { state in zip(state.bytes, file).allSatisfy { $0 == nil || $0 == $1 } }
    }

    /// Whether exactly the bytes of `ranges` came, and are those of `file`.
    func isExactly(_ ranges: [Range<UInt64>], of file: [UInt8]) -> Bool {
        state.withLock { state in
            var wanted = Array(repeating: false, count: file.count)
            for range in ranges { for position in range { wanted[Int(position)] = true } }
            return file.indices.allSatisfy { state.bytes[$0] == (wanted[$0] ? file[$0] : nil) }
        }
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
