import BLAKE3
import Exchange
import Foundation
import GGUF
import GRPCCore
import Identifiers
import Link
import Logging
import ModelLibrary
import NIOCore
import ShoalTestSupport
import Swarm
import SwiftProtobuf
import Synchronization
import Testing
import Timing

@testable import Acquisition

/// A reader that a test opens and closes.
private final class Reader: RPCWriterProtocol {
    typealias Element = ShardChunk

    private struct State {
        var chunks: [ShardChunk] = []
        var isOpen: Bool
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(isOpen: Bool = true) { state = Mutex(State(isOpen: isOpen)) }

    var chunks: [ShardChunk] { state.withLock { $0.chunks } }
    var response: RPCWriter<ShardChunk> { RPCWriter(wrapping: self) }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for writer in waiting { writer.resume() }
    }

    func write(_ element: ShardChunk) async throws {
        await withCheckedContinuation { writer in
            let passes = state.withLock { state in
                state.chunks.append(element)
                if !state.isOpen { state.waiting.append(writer) }
                return state.isOpen
            }
            if passes { writer.resume() }
        }
    }

    func write(contentsOf elements: some Sequence<ShardChunk>) async throws {
        for element in elements { try await write(element) }
    }
}

/// A reader that lets time pass before it takes a chunk.
private struct SlowReader: RPCWriterProtocol {
    let wait: @Sendable () -> Void

    func write(_ element: ShardChunk) async throws { wait() }

    func write(contentsOf elements: some Sequence<ShardChunk>) async throws {
        for element in elements { try await write(element) }
    }
}

extension ExchangeFixture {
    fileprivate func request(_ number: Int, _ ranges: [ByteRange]? = nil) throws -> Shoal_V1_FetchShardRequest {
        let ranges = try ranges ?? self.ranges(number)
        return .with {
            $0.modelID = model.id.rawValue
            $0.manifestHash = Data(model.manifestHash.bytes)
            $0.shard = UInt32(number)
            $0.ranges = ranges.map { range in
                .with {
                    $0.part = UInt32(range.part)
                    $0.offset = range.offset
                    $0.length = range.length
                }
            }
        }
    }

    fileprivate func question(_ number: UInt32, givingUp: Bool = false) -> Shoal_V1_DescribeShardRequest {
        .with {
            $0.modelID = model.id.rawValue
            $0.manifestHash = Data(model.manifestHash.bytes)
            $0.shard = number
            $0.givingUpOwn = givingUp
        }
    }
}

@Suite("What a node sends of its shards", .timeLimit(.minutes(2)))
struct ServerTests {
    @Test("a shard is in use while it is sent, and further sendings are refused in words")
    func busy() async throws {
        try await withExchange { exchange in
            var limits = SendingLedger.Limits()
            (limits.sendings, limits.sendingsPerPeer) = (2, 1)
            let server = ShardServer(library: exchange.holder, limits: limits, logger: .quiet)
            let peers = [try TestNode().id, try TestNode().id, try TestNode().id]
            let (reader, request) = (Reader(isOpen: false), try exchange.request(1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for peer in peers.prefix(2) {
                    group.addTask { try await server.fetchShard(request, from: peer, response: reader.response) }
                }
                try await eventually { reader.chunks.count == 2 }
                #expect(server.inUse == [ShardID(model: exchange.model.id, index: try exchange.shard(1))])
                for (peer, words) in [(peers[0], "to this node already"), (peers[2], "are being sent already")] {
                    let error = await #expect(throws: RPCError.self) {
                        try await server.fetchShard(request, from: peer, response: Reader().response)
                    }
                    #expect(error?.code == .resourceExhausted)
                    #expect(error?.message.contains(words) == true)
                }
                reader.open()
                try await group.waitForAll()
            }
            #expect(server.inUse.isEmpty)
            try await server.fetchShard(request, from: peers[0], response: reader.response)
        }
    }

    enum Loss: CaseIterable { case deleted, deletedAndFetchedAgain, modelDeleted }

    @Test(
        "a shard that is deleted while it is sent ends with an error, never with other bytes", arguments: Loss.allCases)
    func deleted(loss: Loss) async throws {
        // The shard is longer than what is read at once.
        try await withExchange(layerCount: 2, wide: 24_000, shardSizeBytes: 5 << 20) { exchange in
            let server = ShardServer(library: exchange.holder, logger: .quiet)
            let (model, shard, bytes) = (exchange.model, try exchange.shard(0), exchange.bytes)
            let (reader, request, peer) = (Reader(isOpen: false), try exchange.request(0), try TestNode().id)
            #expect(try exchange.ranges(0).reduce(0) { $0 + $1.length } > 5 << 20)
            let sending = Task { try await server.fetchShard(request, from: peer, response: reader.response) }
            try await eventually { !reader.chunks.isEmpty }
            switch loss {
            case .deleted: try await exchange.holder.removeShard(id: model.id, shard: shard)
            case .deletedAndFetchedAgain:
                try await exchange.holder.removeShard(id: model.id, shard: shard)
                let arrival = try #require(try await exchange.holder.arrival(of: shard, id: model.id))
                for range in arrival.missing {
                    try bytes[Int(range.offset)..<Int(range.end)].withUnsafeBytes {
                        try arrival.write($0, part: range.part, at: range.offset)
                    }
                }
                try await exchange.holder.finish(arrival)
            case .modelDeleted: try await exchange.holder.remove(id: model.id)
            }
            reader.open()
            let error = await #expect(throws: RPCError.self) { try await sending.value }
            #expect(error?.code == .notFound)
            let sent = reader.chunks
            #expect(sent.reduce(0) { $0 + $1.count } < 5 << 20)
            #expect(
                sent.allSatisfy { chunk in
                    chunk.bytes.readableBytesView.elementsEqual(bytes[Int(chunk.offset)...].prefix(chunk.count))
                })
            #expect(server.inUse.isEmpty)
        }
    }

    @Test("only shards that are held, of the very same model, are sent")
    func notHeld() async throws {
        try await withExchange { exchange in
            let server = ShardServer(library: exchange.asker, logger: .quiet)
            let peer = try TestNode().id
            let good = try exchange.request(1)
            var otherHash = good
            otherHash.manifestHash[0] ^= 1
            var otherModel = good
            otherModel.modelID = "another"
            var beyond = good
            beyond.shard = 60_000
            for (request, library) in [
                (good, exchange.asker), (otherHash, exchange.holder), (otherModel, exchange.holder),
                (beyond, exchange.holder),
            ] {
                let server = ShardServer(library: library, logger: .quiet)
                let reader = Reader()
                let error = await #expect(throws: RPCError.self) {
                    try await server.fetchShard(request, from: peer, response: reader.response)
                }
                #expect(error?.code == .notFound)
                #expect(reader.chunks.isEmpty)
                let question = Shoal_V1_DescribeShardRequest.with {
                    $0.modelID = request.modelID
                    $0.manifestHash = request.manifestHash
                    $0.shard = request.shard
                }
                #expect(try await server.describeShard(question, from: peer) == Shoal_V1_ShardDescription())
            }
            // Of the shard's bytes only: the next shard's are not sent under this one's name.
            let error = await #expect(throws: RPCError.self) {
                try await ShardServer(library: exchange.holder, logger: .quiet)
                    .fetchShard(exchange.request(1, exchange.ranges(2)), from: peer, response: Reader().response)
            }
            #expect(error?.code == .invalidArgument)
            #expect(server.inUse.isEmpty)
        }
    }

    @Test("a description tells the hash, and a promise keeps the node from giving its copy up")
    func promises() async throws {
        try await withExchange { exchange in
            let promises = ShardPromises()
            let server = ShardServer(library: exchange.holder, promises: promises, logger: .quiet)
            let peer = try TestNode().id
            let hash = try #require(exchange.model.manifest[shard: exchange.shard(1)]?.hash)
            let shard = try exchange.shard(1)
            func answer(givingUp: Bool) async throws -> Shoal_V1_ShardDescription {
                try await server.describeShard(exchange.question(1, givingUp: givingUp), from: peer)
            }
            #expect(Array(try await answer(givingUp: false).hash) == hash.bytes)
            #expect(promises.beginGivingUp(exchange.model.id, shard))
            #expect(try await answer(givingUp: true) == Shoal_V1_ShardDescription())
            promises.endGivingUp(exchange.model.id, shard)
            let promise = try await answer(givingUp: true)
            #expect(promise.held)
            #expect(Array(promise.hash) == hash.bytes)
            #expect(!promises.beginGivingUp(exchange.model.id, shard))
        }
    }

    @Test("who reads a little now and then does not keep others from being sent to", arguments: [20, 299])
    func trickle(seconds: Int) async throws {
        try await withExchange { exchange in
            let now = Mutex(Duration.zero)
            var clock = NodeClock.system
            clock.now = { now.withLock { $0 } }
            clock.sleep = { _ in try await Task.sleep(for: .seconds(3600)) }
            let reader = SlowReader { now.withLock { $0 += .seconds(seconds) } }
            let server = ShardServer(library: exchange.holder, clock: clock, logger: .quiet)
            let whole = try exchange.ranges(1)[0]
            let pieces = (0..<16).map { ByteRange(part: whole.part, offset: whole.offset + $0 * 1024, length: 1000) }
            let error = await #expect(throws: RPCError.self) {
                try await server.fetchShard(
                    exchange.request(1, pieces), from: TestNode().id, response: RPCWriter(wrapping: reader))
            }
            #expect(error?.code == .resourceExhausted)
            #expect(now.withLock { $0 } < .seconds(330))
            #expect(server.inUse.isEmpty)
        }
    }

    @Test("what is sent keeps to the limit, in small pieces")
    func bandwidth() async throws {
        try await withExchange { exchange in
            let (reader, peer) = (Reader(), try TestNode().id)
            let bytes = try exchange.ranges(1).reduce(0) { $0 + $1.length }
            let limit = BandwidthLimit(bytesPerSecond: Int(bytes))
            let server = ShardServer(library: exchange.holder, bandwidth: limit, logger: .quiet)
            let begun = ContinuousClock.now
            try await server.fetchShard(exchange.request(1), from: peer, response: reader.response)
            // A quarter of a second's worth passes at once, and the last piece is paid for by the next one.
            #expect(ContinuousClock.now - begun > .milliseconds(600))
            #expect(reader.chunks.count >= 16)
            #expect(reader.chunks.reduce(0) { $0 + $1.count } == Int(bytes))
        }
    }
}
