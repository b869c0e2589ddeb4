import Foundation
import GRPCCore
import NIOCore
import ShoalTestSupport
import SwiftProtobuf
import Testing

@testable import Link

@Suite("Frames of shards")
struct ShardFramesTests {
    private let seed = UInt64.random(in: .min ... .max)

    private func frame(_ chunk: ShardChunk) -> ByteBuffer {
        var buffer = ShardFrames.head(of: chunk)
        buffer.writeImmutableBuffer(chunk.bytes)
        return buffer
    }

    private func chunk(_ part: UInt32, _ offset: UInt64, _ bytes: [UInt8]) -> ShardChunk {
        ShardChunk(part: part, offset: offset, count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// All that the reader makes of bytes that come in pieces of random sizes.
    private func read(
        _ bytes: ByteBuffer, with random: inout SeededRandom
    ) throws(RPCError) -> (chunks: [ShardChunk], ends: [RPCError?], isAtStart: Bool) {
        var (reader, rest) = (ShardAnswerReader(), bytes)
        var (chunks, ends): ([ShardChunk], [RPCError?]) = ([], [])
        while rest.readableBytes > 0 {
            let count = min(rest.readableBytes, [1, 3, 16, 100, 5000].randomElement(using: &random) ?? 1)
            guard var piece = rest.readSlice(length: count) else { break }
            while let event = try reader.next(&piece) {
                switch event {
                case .chunk(let chunk): chunks.append(chunk)
                case .end(let error): ends.append(error)
                }
            }
            #expect(piece.readableBytes == 0, "seed \(seed): all that came is taken")
        }
        return (chunks, ends, reader.isAtStart)
    }

    @Test("what is written is read, however it is cut")
    func roundTrip() throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            var (stream, sent): (ByteBuffer, [UInt8]) = (ByteBuffer(), [])
            let part = UInt32.random(in: 0 ... .max, using: &random)
            let start = UInt64.random(in: 0 ... .max >> 1, using: &random)
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let bytes = (0..<Int.random(in: 1...9000, using: &random)).map { _ in
                    UInt8.random(in: 0 ... .max, using: &random)
                }
                stream.writeImmutableBuffer(frame(chunk(part, start + UInt64(sent.count), bytes)))
                sent += bytes
            }
            let refusal = Bool.random(using: &random) ? RPCError(code: .resourceExhausted, message: "busy: ü") : nil
            stream.writeImmutableBuffer(ShardFrames.end(refusal))
            let (chunks, ends, isAtStart) = try read(stream, with: &random)
            var place = start
            for chunk in chunks {
                #expect(chunk.part == part && chunk.offset == place && chunk.count > 0, "seed \(seed)")
                place += UInt64(chunk.count)
            }
            #expect(chunks.flatMap { Array($0.bytes.readableBytesView) } == sent, "seed \(seed)")
            #expect(ends.count == 1 && ends[0] == refusal, "seed \(seed)")
            #expect(isAtStart, "seed \(seed)")
        }
    }

    @Test("what is cut off is no end, and what is bent is refused or read, never taken for more than came")
    func malformed() throws {
        var random = SeededRandom(seed: seed)
        var whole = frame(chunk(3, 1 << 40, [UInt8](0..<100)))
        whole.writeImmutableBuffer(ShardFrames.end(RPCError(code: .notFound, message: "gone")))
        for count in 0..<whole.readableBytes {
            let (_, ends, isAtStart) = try read(whole.getSlice(at: 0, length: count) ?? ByteBuffer(), with: &random)
            #expect(ends.isEmpty, "\(count) bytes")
            #expect(isAtStart == (count == 0 || count == 116), "\(count) bytes")
        }
        var refused = 0
        for _ in 0..<3000 {
            var bent = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bent.setInteger(
                    UInt8.random(in: 0 ... .max, using: &random),
                    at: [Int.random(in: 0..<16, using: &random), .random(in: 116..<132, using: &random)]
                        .randomElement(using: &random) ?? 0)
            }
            do throws(RPCError) {
                let (chunks, _, _) = try read(bent, with: &random)
                #expect(chunks.reduce(0) { $0 + $1.count } <= whole.readableBytes, "seed \(seed)")
            } catch {
                refused += 1
            }
        }
        #expect(refused > 300, "seed \(seed): \(refused)")
    }

    @Test(
        "heads that ask for too much are refused at once",
        arguments: [
            [UInt32(ShardFrames.maximumDataBytes + 1), 0, 0, 0], [.max, 0, 0, 0], [0, 5, 1, 0],
            [0, 5, 0, UInt32(ShardFrames.maximumMessageBytes + 1)], [0, 17, 0, 0], [0, .max, 0, 0],
        ])
    func excess(numbers: [UInt32]) {
        var random = SeededRandom(seed: seed)
        var bytes = ByteBuffer()
        for number in numbers { bytes.writeInteger(number) }
        #expect(throws: RPCError.self) { try read(bytes, with: &random) }
    }

    @Test("a request is read however it is cut, and only one")
    func requests() throws {
        let request = Shoal_V1_FetchShardRequest.with {
            $0.modelID = "m"
            $0.ranges = (0..<4096).map { index in
                .with {
                    $0.part = .max
                    $0.offset = .max - UInt64(index)
                    $0.length = .max
                }
            }
        }
        let bytes = try ShardFrames.request(request)
        #expect(bytes.readableBytes < ShardFrames.maximumRequestBytes)
        var (reader, rest) = (ShardRequestReader(), bytes)
        while rest.readableBytes > 1000, let piece = rest.readSlice(length: 999) {
            #expect(try reader.read(piece) == nil)
        }
        #expect(try reader.read(rest) == request)
        #expect(try reader.read(bytes) == request)

        var two = bytes
        two.writeInteger(UInt8(0))
        #expect(throws: RPCError.self) { try reader.read(two) }
        for count in [0, UInt32(ShardFrames.maximumRequestBytes + 1), .max] {
            var reader = ShardRequestReader()
            #expect(throws: RPCError.self, "\(count)") { try reader.read(ByteBuffer(integer: count)) }
        }
        var broken = ShardRequestReader()
        #expect(throws: RPCError.self) { try broken.read(ByteBuffer(bytes: [0, 0, 0, 2, 0x0B, 0xFF])) }
    }

    @Test("a chunk whose bytes cannot be had is not made")
    func unfilled() {
        struct Fault: Error {}
        #expect(throws: Fault.self) {
            try ShardChunk(part: 0, offset: 0, count: 10) { _ in throw Fault() }
        }
    }
}
