import Exchange
import Foundation
import GGUF
import GRPCCore
import Link
import ShoalTestSupport
import SwiftProtobuf
import Testing

private typealias Asked = (part: UInt32, offset: UInt64, length: UInt64)

@Suite("What a peer may ask of a shard")
struct ShardRequestTests {
    /// Two ranges of part 0 and one of part 2.
    private static let own = [
        ByteRange(part: 0, offset: 100, length: 50), ByteRange(part: 0, offset: 200, length: 100),
        ByteRange(part: 2, offset: 0, length: 10),
    ]

    private static func request(_ ranges: [Asked]) -> Shoal_V1_FetchShardRequest {
        .with {
            $0.modelID = "tiny"
            $0.manifestHash = Data(repeating: 1, count: 32)
            $0.shard = 3
            $0.ranges = ranges.map { asked in
                .with {
                    $0.part = asked.part
                    $0.offset = asked.offset
                    $0.length = asked.length
                }
            }
        }
    }

    @Test(
        "ranges within the shard are taken as they are",
        arguments: [
            [(0, 100, 50)], [(0, 100, 1), (0, 149, 1)], [(0, 100, 50), (0, 200, 100), (2, 0, 10)],
            [(0, 120, 10), (0, 130, 20), (0, 299, 1)], [(2, 9, 1)],
        ] as [[(UInt32, UInt64, UInt64)]])
    func good(ranges: [(UInt32, UInt64, UInt64)]) throws {
        let request = Self.request(ranges.map { (part: $0.0, offset: $0.1, length: $0.2) })
        let read = try ShardRequest.ranges(of: request, within: Self.own)
        #expect(read == ranges.map { ByteRange(part: Int($0.0), offset: $0.1, length: $0.2) })
    }

    @Test(
        "any other range is refused",
        arguments: [
            [], [(0, 100, 0)], [(0, 99, 1)], [(0, 99, 2)], [(0, 149, 2)], [(0, 150, 1)], [(0, 150, 50)],
            [(0, 100, 200)], [(0, 100, 101)], [(0, 199, 1)], [(0, 300, 1)], [(0, 200, 101)], [(1, 0, 1)],
            [(1, 100, 50)],
            [(2, 0, 11)], [(2, 10, 1)], [(3, 0, 1)], [(UInt32.max, 0, 1)], [(0, .max, 1)], [(0, 100, .max)],
            [(0, .max, .max)], [(2, 1, .max)], [(0, 200, 1), (0, 100, 1)], [(0, 100, 10), (0, 105, 10)],
            [(0, 100, 10), (0, 100, 10)], [(2, 0, 1), (0, 100, 1)], [(0, 100, 50), (0, 149, 1)],
            [(0, 100, 1), (0, 101, 0)], [(0, 100, 1), (0, 100, .max)],
        ] as [[(UInt32, UInt64, UInt64)]])
    func bad(ranges: [(UInt32, UInt64, UInt64)]) {
        let request = Self.request(ranges.map { (part: $0.0, offset: $0.1, length: $0.2) })
        let error = #expect(throws: RPCError.self) { try ShardRequest.ranges(of: request, within: Self.own) }
        #expect(error?.code == .invalidArgument)
    }

    @Test("more ranges than a request may have are refused")
    func tooMany() throws {
        let own = [ByteRange(part: 0, offset: 0, length: 1 << 20)]
        func ranges(_ count: Int) -> Shoal_V1_FetchShardRequest {
            Self.request((0..<count).map { (part: 0, offset: UInt64($0) * 2, length: 1) })
        }
        #expect(try ShardRequest.ranges(of: ranges(4096), within: own).count == 4096)
        #expect(throws: RPCError.self) { try ShardRequest.ranges(of: ranges(4097), within: own) }
    }

    @Test(
        "names that no model and no shard have are refused",
        arguments: ["", "../x", "a/b", "a\0b", String(repeating: "x", count: 5000), "%2e%2e"], [0, 31, 33, 4096])
    func names(model: String, hashBytes: Int) {
        var request = Self.request([(part: 0, offset: 100, length: 1)])
        #expect(throws: Never.self) { try ShardRequest(request) }
        request.modelID = model
        #expect(throws: RPCError.self) { try ShardRequest(request) }
        request.modelID = "tiny"
        request.manifestHash = Data(repeating: 1, count: hashBytes)
        #expect(throws: RPCError.self) { try ShardRequest(request) }
        request.manifestHash = Data(repeating: 1, count: 32)
        request.shard = .max
        #expect(throws: RPCError.self) { try ShardRequest(request) }
    }

    @Test("what is read of random requests always lies in the shard", arguments: 1...20)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var taken = 0
        for _ in 0..<500 {
            let count = Int.random(in: 1...4, using: &random)
            let request = Self.request(
                (0..<count).map { _ in
                    (
                        part: random.happens(80) ? 0 : UInt32.random(in: 0...3, using: &random),
                        offset: UInt64.random(in: 90...310, using: &random),
                        length: UInt64.random(in: 0...60, using: &random)
                    )
                })
            guard let ranges = try? ShardRequest.ranges(of: request, within: Self.own) else { continue }
            taken += 1
            #expect(ByteRange.subtract(Self.own, from: ranges) == [], "seed \(seed)")
            let bytes = ByteRange.joined(ranges).reduce(UInt64(0)) { $0 + $1.length }
            #expect(bytes == ranges.reduce(0) { $0 + $1.length }, "seed \(seed)")
        }
        #expect(taken > 10, "seed \(seed)")
    }
}

@Suite("The order in which pieces come")
struct ChunkOrderTests {
    private static let ranges = [
        ByteRange(part: 0, offset: 100, length: 50), ByteRange(part: 1, offset: 0, length: 20),
    ]

    @Test("all of it, in order, in pieces of any size, is complete", arguments: [1, 7, 20, 50])
    func complete(piece: UInt64) throws {
        var order = ChunkOrder(Self.ranges, largest: 50)
        for range in Self.ranges {
            for start in stride(from: range.offset, to: range.end, by: Int(piece)) {
                #expect(!order.isComplete)
                try order.accept(part: UInt32(range.part), offset: start, count: Int(min(piece, range.end - start)))
            }
        }
        #expect(order.isComplete)
        #expect(throws: ChunkOrder.Violation.self) { try order.accept(part: 1, offset: 20, count: 1) }
    }

    @Test(
        "anything else is a violation",
        arguments: [
            (0, 101, 1), (0, 99, 1), (0, 110, 1), (1, 0, 20), (0, 110, 41), (0, 110, 0), (0, 110, -1), (0, 120, 31),
            (0, 0, 10), (1, 120, 1), (.max, 120, 1), (0, .max, 1), (0, 120, 51),
        ] as [(UInt32, UInt64, Int)])
    func violation(part: UInt32, offset: UInt64, count: Int) throws {
        var order = ChunkOrder(Self.ranges, largest: 50)
        try order.accept(part: 0, offset: 100, count: 20)
        #expect(throws: ChunkOrder.Violation.self) { try order.accept(part: part, offset: offset, count: count) }
    }
}
