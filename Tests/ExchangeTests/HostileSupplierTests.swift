import Exchange
import Foundation
import GGUF
import GRPCCore
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Swarm
import SwiftProtobuf
import Synchronization
import Testing

/// Answers a request for a shard with whatever a test wants.
private struct FalseServer: ShardRequestHandler {
    let answer: @Sendable (Shoal_V1_FetchShardRequest, RPCWriter<ShardChunk>) async throws -> Void

    func describeShard(_ request: Shoal_V1_DescribeShardRequest, from peer: NodeID) async throws
        -> Shoal_V1_ShardDescription
    { Shoal_V1_ShardDescription() }

    func fetchShard(
        _ request: Shoal_V1_FetchShardRequest, from peer: NodeID, response: RPCWriter<ShardChunk>
    ) async throws {
        try await answer(request, response)
    }
}

private func chunk(_ range: Shoal_V1_PartRange, from start: UInt64 = 0, _ count: Int, part: UInt32? = nil)
    -> ShardChunk
{
    ShardChunk(part: part ?? range.part, offset: range.offset &+ start, count: count) { bytes in
        for index in bytes.indices { bytes[index] = 7 }
    }
}

@Suite("Peers that send something else", .timeLimit(.minutes(2)))
struct HostileSupplierTests {
    enum Offence: String, CaseIterable, Sendable {
        case otherOffset, otherPart, beforeTheRange, tooMuch, twice, backwards, tooLittle, nothing, emptyPiece,
            hugePiece
        case closes, saysNotHeld, saysOtherModel, saysBusy, silence, silenceMidway
    }

    private static func answer(_ offence: Offence) -> FalseServer {
        FalseServer { request, response in
            let range = request.ranges[0]
            let whole = Int(range.length)
            switch offence {
            case .otherOffset: try await response.write(chunk(range, from: 1, 100))
            case .otherPart: try await response.write(chunk(range, 100, part: range.part + 1))
            case .beforeTheRange: try await response.write(chunk(range, from: 0 &- 1, 100))
            case .tooMuch: try await response.write(chunk(range, whole + 1))
            case .twice: for _ in 0..<2 { try await response.write(chunk(range, whole)) }
            case .backwards:
                try await response.write(chunk(range, from: 100, whole - 100))
                try await response.write(chunk(range, 100))
            case .tooLittle: try await response.write(chunk(range, whole - 1))
            case .nothing: break
            case .emptyPiece: try await response.write(chunk(range, 0))
            case .hugePiece: try await response.write(chunk(range, ShardRequest.maximumChunkBytes + 1))
            case .closes:
                try await response.write(chunk(range, 100))
                throw RPCError(code: .unavailable, message: "going down")
            case .saysNotHeld: throw RPCError(code: .notFound, message: "not here")
            case .saysOtherModel: throw RPCError(code: .failedPrecondition, message: "another one")
            case .saysBusy: throw RPCError(code: .resourceExhausted, message: "later")
            case .silence: try await Task.sleep(for: .seconds(60))
            case .silenceMidway:
                try await response.write(chunk(range, 100))
                try await Task.sleep(for: .seconds(60))
            }
        }
    }

    @Test("whatever is sent, only what was asked for is received, and the failure is told", arguments: Offence.allCases)
    func offence(_ offence: Offence) async throws {
        try await withExchange { exchange in
            let node = try TestNode()
            let (model, shard) = (exchange.model, try exchange.shard(1))
            // Longer than a piece may be, whatever the shard: nothing is read.
            let asked = [ByteRange(part: 0, offset: 4096, length: offence == .hugePiece ? 1 << 20 : 1000)]
            try await node.serve(Self.answer(offence)) { membership in
                var limits = PeerSupplier.Limits()
                if offence == .silence || offence == .silenceMidway { limits.stall = .milliseconds(300) }
                let received = Mutex<[Range<UInt64>]>([])
                let begun = ContinuousClock.now
                let error = await #expect(throws: ExchangeError.self) {
                    try await PeerSupplier(peer: node.id, membership: membership, limits: limits)
                        .send(asked, of: shard, model: model) { bytes, part, offset in
                            #expect(part == 0)
                            received.withLock { $0.append(offset..<offset + UInt64(bytes.count)) }
                        }
                }
                let expected: ExchangeError.Code =
                    switch offence {
                    case .saysNotHeld, .saysOtherModel: .notHeldThere
                    case .saysBusy: .supplierBusy
                    default: .supplierFailed
                    }
                #expect(error?.code == expected, "\(String(describing: error))")
                #expect(ContinuousClock.now - begun < .seconds(15))
                let came = received.withLock { $0 }
                #expect(came.allSatisfy { (4096...5096).contains($0.lowerBound) && $0.upperBound <= 5096 })
                #expect(zip(came, came.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            }
        }
    }

    @Test(
        "what a peer says of a failure is quoted on one line, without control characters, and not at any length",
        arguments: [RPCError.Code.notFound, .failedPrecondition, .resourceExhausted, .internalError])
    func words(code: RPCError.Code) async throws {
        try await withExchange { exchange in
            let node = try TestNode()
            let (model, shard, ranges) = (exchange.model, try exchange.shard(1), try exchange.ranges(1))
            let words = "no\u{1B}[2J\u{7}\u{202E}\u{85} " + String(repeating: "x", count: 3000)
            let server = FalseServer { _, _ in throw RPCError(code: code, message: words) }
            try await node.serve(server) { membership in
                let error = await #expect(throws: ExchangeError.self) {
                    try await PeerSupplier(peer: node.id, membership: membership)
                        .send(ranges, of: shard, model: model) { _, _, _ in }
                }
                let message = try #require(error?.message)
                #expect(message.contains("no [2J"))
                #expect(message.unicodeScalars.count < 350)
                #expect(
                    message.unicodeScalars.allSatisfy {
                        $0.properties.generalCategory != .control && $0.properties.generalCategory != .format
                    })
            }
        }
    }

    @Test("a shard with wrong bytes is not taken in, and the right ones are from somebody else")
    func wrongBytes() async throws {
        try await withExchange { exchange in
            let (bad, good) = (try TestNode(), try TestNode())
            let (model, asker, shard) = (exchange.model, exchange.asker, try exchange.shard(1))
            let hash = try #require(model.manifest[shard: shard]?.hash)
            let server = FalseServer { request, response in
                for range in request.ranges {
                    for start in stride(from: 0, to: range.length, by: 65536) {
                        try await response.write(chunk(range, from: start, Int(min(65536, range.length - start))))
                    }
                }
            }
            try await bad.serve(server) { membership in
                let arrival = try #require(try await asker.arrival(of: shard, id: model.id))
                try await PeerSupplier(peer: bad.id, membership: membership).fill(arrival, model: model)
                let error = await #expect(throws: LibraryError.self) {
                    try await asker.finish(arrival, expecting: hash)
                }
                #expect(error?.code == .damaged)
            }
            #expect(try await asker.model(model.id).held == [])
            try await good.serve(ShardServer(library: exchange.holder, logger: .quiet)) { membership in
                let arrival = try #require(try await asker.arrival(of: shard, id: model.id))
                try await PeerSupplier(peer: good.id, membership: membership).fill(arrival, model: model)
                try await asker.finish(arrival, expecting: hash)
            }
            #expect(try await asker.model(model.id).held == [shard])
        }
    }

    @Test("what came before a peer went away counts, and another peer sends the rest")
    func resumes() async throws {
        try await withExchange { exchange in
            let (bad, good) = (try TestNode(), try TestNode())
            let (model, asker, shard, bytes) = (exchange.model, exchange.asker, try exchange.shard(1), exchange.bytes)
            let arrival = try #require(try await asker.arrival(of: shard, id: model.id))
            let server = FalseServer { request, response in
                let range = request.ranges[0]
                try await response.write(
                    ShardChunk(part: range.part, offset: range.offset, count: 5000) { buffer in
                        buffer.copyBytes(from: bytes[Int(range.offset)...].prefix(5000))
                    })
                throw RPCError(code: .unavailable, message: "going down")
            }
            try await bad.serve(server) { membership in
                await #expect(throws: ExchangeError.self) {
                    try await PeerSupplier(peer: bad.id, membership: membership).fill(arrival, model: model)
                }
            }
            #expect(arrival.missingBytes == arrival.wantedBytes - 5000)
            try await good.serve(ShardServer(library: exchange.holder, logger: .quiet)) { membership in
                try await PeerSupplier(peer: good.id, membership: membership).fill(arrival, model: model)
            }
            try await asker.finish(arrival)
            #expect(try await asker.verify(id: model.id) == [])
        }
    }

    @Test("what the receiver throws ends the sending and comes out unchanged")
    func receiverThrows() async throws {
        struct Full: Error {}
        try await withExchange { exchange in
            let node = try TestNode()
            let server = ShardServer(library: exchange.holder, logger: .quiet)
            let (model, shard, ranges) = (exchange.model, try exchange.shard(1), try exchange.ranges(1))
            try await node.serve(server) { membership in
                await #expect(throws: Full.self) {
                    try await PeerSupplier(peer: node.id, membership: membership)
                        .send(ranges, of: shard, model: model) { _, _, _ in throw Full() }
                }
                try await eventually { server.inUse.isEmpty }
            }
        }
    }

    @Test("a sending that is cancelled ends at once on both sides")
    func cancelled() async throws {
        try await withExchange { exchange in
            let node = try TestNode()
            let server = ShardServer(library: exchange.holder, logger: .quiet)
            let (model, shard, ranges) = (exchange.model, try exchange.shard(1), try exchange.ranges(1))
            try await node.serve(server) { membership in
                let began = AsyncStream.makeStream(of: Void.self)
                let sending = Task {
                    try await PeerSupplier(peer: node.id, membership: membership)
                        .send(ranges, of: shard, model: model) { _, _, _ in
                            began.continuation.finish()
                            try await Task.sleep(for: .seconds(60))
                        }
                }
                for await _ in began.stream {}
                sending.cancel()
                await #expect(throws: CancellationError.self) { try await sending.value }
                try await eventually { server.inUse.isEmpty }
            }
        }
    }

    @Test("a node that cannot be reached is told as a supplier that failed")
    func unreachable() async throws {
        try await withExchange { exchange in
            let membership = TestMembership(me: try TestNode(), addresses: [:])
            let error = await #expect(throws: ExchangeError.self) {
                try await PeerSupplier(peer: try TestNode().id, membership: membership)
                    .send(exchange.ranges(0), of: exchange.shard(0), model: exchange.model) { _, _, _ in }
            }
            #expect(error?.code == .supplierFailed)
        }
    }
}
