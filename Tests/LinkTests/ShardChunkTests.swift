import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import SwiftProtobuf
import Testing

@testable import Link

@Suite("Bytes of shards as messages")
struct ShardChunkTests {
    private let seed = UInt64.random(in: .min ... .max)

    private func chunk(_ part: UInt32, _ offset: UInt64, _ data: Data) -> ShardChunk {
        ShardChunk(part: part, offset: offset, count: data.count) { _ = data.copyBytes(to: $0) }
    }

    private func read(_ bytes: [UInt8]) throws -> ShardChunk {
        try ShardChunkCoding().deserialize(GRPCNIOTransportBytes(bytes))
    }

    private func written(_ chunk: ShardChunk) throws -> [UInt8] {
        let bytes: GRPCNIOTransportBytes = try ShardChunkCoding().serialize(chunk)
        return bytes.withUnsafeBytes { Array($0) }
    }

    private func expect(_ chunk: ShardChunk, _ message: Shoal_V1_ShardChunk, _ note: Comment) {
        #expect(chunk.part == message.part && chunk.offset == message.offset, note)
        #expect(chunk.count == message.data.count, note)
        #expect(chunk.withUnsafeBytes { Data($0) } == message.data, note)
    }

    @Test("what is written is what generated code writes, and each reads what the other has written")
    func sameAsGenerated() throws {
        var random = SeededGenerator(seed: seed)
        let edges: [UInt64] = [0, 1, 127, 128, 1 << 14, UInt64(UInt32.max), 1 << 32, 1 << 63, .max]
        for round in 0..<400 {
            let note: Comment = "seed \(seed), round \(round)"
            let offset = round < edges.count ? edges[round] : .random(in: 0 ... .max, using: &random)
            let count = [0, 1, 127, 128, 300, 20_000].randomElement(using: &random) ?? 0
            let message = Shoal_V1_ShardChunk.with {
                $0.part = Bool.random(using: &random) ? 0 : .random(in: 0 ... .max, using: &random)
                $0.offset = offset
                $0.data = Data((0..<count).map { _ in .random(in: 0 ... .max, using: &random) })
            }
            let own = chunk(message.part, message.offset, message.data)
            let bytes = try written(own)
            #expect(bytes == (try message.serializedBytes() as [UInt8]), note)
            expect(own, message, note)
            expect(try read(bytes), message, note)
            #expect(try written(read(bytes)) == bytes, note)
        }
    }

    @Test("fields in another order, fields that come twice, and unknown fields are read as generated code reads them")
    func otherFields() throws {
        let data: [UInt8] = [0x1A, 3, 1, 2, 3]
        let messages: [[UInt8]] = [
            [], data + [0x10, 5, 0x08, 7], data + [0x1A, 1, 9], data + [0x1A, 0], [0x08, 1, 0x08, 2],
            [0x20, 0x96, 0x01] + data, [0x21, 1, 2, 3, 4, 5, 6, 7, 8] + data, [0x25, 1, 2, 3, 4] + data,
            [0x22, 2, 0x08, 9] + data, [0x0A, 1, 9] + data, [0x18, 5] + data,
            [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        ]
        for bytes in messages {
            expect(try read(bytes), try Shoal_V1_ShardChunk(serializedBytes: bytes), "\(bytes)")
        }
    }

    @Test("what is cut off or bent is refused where generated code refuses it, and never read outside of the message")
    func malformed() throws {
        var random = SeededGenerator(seed: seed)
        let whole = try written(chunk(3, 1 << 40, Data(0..<100)))
        var candidates = (0..<whole.count).map { Array(whole[..<$0]) }
        for _ in 0..<3000 {
            var bytes = Array(whole.prefix(.random(in: 1...whole.count, using: &random)))
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<min(14, bytes.count), using: &random)] = .random(
                    in: 0 ... .max, using: &random)
            }
            candidates.append(bytes)
        }
        var refused = 0
        for bytes in candidates {
            let note: Comment = "seed \(seed), \(bytes)"
            guard let chunk = try? read(bytes) else {
                refused += 1
                continue
            }
            #expect(chunk.count <= bytes.count, note)
            if let message = try? Shoal_V1_ShardChunk(serializedBytes: bytes) { expect(chunk, message, note) }
        }
        #expect(refused > 100 && refused < candidates.count, "seed \(seed): \(refused)")
        let hopeless: [[UInt8]] = [
            [0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x1A, 5, 1], [0x08],
            [0x10] + [UInt8](repeating: 0xFF, count: 10) + [1], [0x10] + [UInt8](repeating: 0xFF, count: 9) + [2],
            [0x00, 1], [0x0B], [0x0C], [0x0F], [0x21, 1, 2, 3], [0x25, 1],
        ]
        for bytes in hopeless {
            #expect(throws: RPCError.self, "\(bytes)") { try read(bytes) }
        }
    }

    @Test("a chunk whose bytes cannot be had is not made")
    func unfilled() {
        struct Fault: Error {}
        #expect(throws: Fault.self) {
            try ShardChunk(part: 0, offset: 0, count: 10) { _ in throw Fault() }
        }
    }
}

/// SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
