import Foundation
import GRPCCore
import Identifiers
import NIOCertificateReloading
import NIOCore
import NIOPosix
import NIOSSL
import SwiftProtobuf
import Synchronization
import Testing

@testable import Link

@Suite("Connections for shards", .timeLimit(.minutes(1)))
struct ShardConnectionTests {
    private let swarm = SwarmKey()

    /// What a sender did.
    private final class Log: Sendable {
        struct Entry: Hashable {
            var peer: NodeID
            var written = 0
            var isCancelled = false
            var hasEnded = false
        }

        private let state = Mutex<(entries: [Entry], waiting: [CheckedContinuation<Void, Never>])>(([], []))

        var entries: [Entry] { state.withLock { $0.entries } }

        func began(_ peer: NodeID) -> Int {
            change {
                $0.append(Entry(peer: peer))
                return $0.count - 1
            }
        }

        func change<Result>(_ body: (inout [Entry]) -> Result) -> Result {
            let (result, waiting) = state.withLock { state in
                let result = body(&state.entries)
                defer { state.waiting = [] }
                return (result, state.waiting)
            }
            for waiter in waiting { waiter.resume() }
            return result
        }

        /// Waits until what was done is as asked for.
        func wait(until condition: ([Entry]) -> Bool) async {
            while true {
                await withCheckedContinuation { waiter in
                    let isMet = state.withLock { state in
                        if condition(state.entries) { return true }
                        state.waiting.append(waiter)
                        return false
                    }
                    if isMet { waiter.resume() }
                }
                if condition(entries) { return }
            }
        }
    }

    /// Sends what the request's first range says: chunk after chunk of its length, `offset` of them.
    private func sender(_ log: Log) -> LinkShards {
        LinkShards { request, peer, response in
            let index = log.began(peer)
            defer { log.change { $0[index].hasEnded = true } }
            guard let range = request.ranges.first else {
                throw RPCError(code: .resourceExhausted, message: "nothing is sent")
            }
            do {
                for number in 0..<range.offset {
                    let bytes = ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: Int(range.length))
                    try await response.write(ShardChunk(part: range.part, offset: number, bytes: bytes))
                    log.change { $0[index].written += 1 }
                }
            } catch {
                log.change { $0[index].isCancelled = true }
                throw error
            }
        }
    }

    private func request(_ chunks: UInt64, of length: Int = 100_000) -> Shoal_V1_FetchShardRequest {
        .with {
            $0.ranges = [
                .with {
                    $0.part = 7
                    $0.offset = chunks
                    $0.length = UInt64(length)
                }
            ]
        }
    }

    private func withSender(
        workers: WorkerGate? = nil, _ body: (LinkServer, LinkAddress, TestNode, Log) async throws -> Void
    ) async throws {
        let (node, log) = (try TestNode(swarm: swarm), Log())
        let server = try LinkServer(
            network: LinkAddress(host: "127.0.0.1", port: 0), credentials: node.credentials, services: [EchoService()],
            shards: sender(log), workers: workers, gracePeriod: .zero, logger: LogRecorder().logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try #require(LinkAddress(host: "127.0.0.1", port: try await server.port))
            try await body(server, address, node, log)
            group.cancelAll()
        }
    }

    private func connect(_ node: TestNode, to address: LinkAddress) async throws -> LinkChannel {
        try await LinkChannel.connect(
            to: .node(nil, addresses: [address]), credentials: node.credentials, timeout: .seconds(20))
    }

    private func count(_ channel: LinkChannel, _ request: Shoal_V1_FetchShardRequest) async throws -> Int {
        try await channel.fetchShard(request) { chunks in
            var count = 0
            for try await chunk in chunks {
                #expect(chunk.part == 7)
                count += chunk.count
            }
            return count
        }
    }

    @Test("answers come whole, one after the other and many at once, and refusals are told word for word")
    func answers() async throws {
        try await withSender { _, address, _, log in
            let node = try TestNode(swarm: swarm)
            let channel = try await connect(node, to: address)
            for length in [1, 15, 16, 100_000, ShardFrames.maximumDataBytes] {
                #expect(try await count(channel, request(20, of: length)) == 20 * length)
            }
            let error = await #expect(throws: RPCError.self) { try await count(channel, .with { $0.modelID = "m" }) }
            #expect(error?.code == .resourceExhausted && error?.message == "nothing is sent")
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 { group.addTask { try await count(channel, request(50)) } }
                for try await bytes in group { #expect(bytes == 5_000_000) }
            }
            #expect(log.entries.count == 18)
            #expect(log.entries.allSatisfy { $0.peer == node.id && $0.hasEnded && !$0.isCancelled })
        }
    }

    @Test("a sender waits for who reads, and stops when that one has gone")
    func slowReader() async throws {
        try await withSender { _, address, _, log in
            let channel = try await connect(try TestNode(swarm: swarm), to: address)
            struct Enough: Error {}
            await #expect(throws: Enough.self) {
                try await channel.fetchShard(request(100_000)) { chunks in
                    var rest = chunks.makeAsyncIterator()
                    let first = try await rest.next()
                    #expect(first?.part == 7)
                    throw Enough()
                }
            }
            await log.wait { $0.first?.hasEnded == true }
            #expect(log.entries[0].isCancelled && log.entries[0].written < 2000)
            #expect(try await count(channel, request(3)) == 300_000)
        }
    }

    @Test("a reader that is cancelled gives the connection up")
    func cancelled() async throws {
        try await withSender { _, address, _, log in
            let channel = try await connect(try TestNode(swarm: swarm), to: address)
            let reading = Task { try await count(channel, request(.max)) }
            await log.wait { ($0.first?.written ?? 0) > 100 }
            reading.cancel()
            _ = await reading.result
            await log.wait { $0.first?.hasEnded == true }
            #expect(log.entries[0].isCancelled)
        }
    }

    @Test("a listener that ends breaks answers off")
    func ended() async throws {
        let (node, log) = (try TestNode(swarm: swarm), Log())
        let server = try LinkServer(
            network: LinkAddress(host: "127.0.0.1", port: 0), credentials: node.credentials, services: [EchoService()],
            shards: sender(log), gracePeriod: .zero, logger: LogRecorder().logger)
        let serving = Task { try await server.run() }
        let address = try #require(LinkAddress(host: "127.0.0.1", port: try await server.port))
        let channel = try await connect(try TestNode(swarm: swarm), to: address)
        let reading = Task { try await count(channel, request(.max)) }
        await log.wait { ($0.first?.written ?? 0) > 10 }
        serving.cancel()
        let error = await #expect(throws: RPCError.self) { try await reading.value }
        #expect(error?.code == .unavailable)
        _ = await serving.result
        await log.wait { $0.first?.hasEnded == true }
    }

    @Test("a worker of the cluster is sent nothing")
    func worker() async throws {
        let gate = WorkerGate { _ in .active }
        try await withSender(workers: gate) { _, address, node, log in
            let token = ClusterToken(master: node.id)
            let channel = try await LinkChannel.connect(
                to: .node(node.id, addresses: [address]),
                credentials: try CurrentCredentials(LinkCredentials(identity: NodeIdentity(), token: token)),
                timeout: .seconds(20))
            await #expect(throws: RPCError.self) { try await count(channel, request(1)) }
            #expect(log.entries.isEmpty)
        }
    }

    @Test("nobody without a proof is sent anything, nor one of another swarm")
    func strangers() async throws {
        try await withSender { _, address, node, log in
            let stranger = try TestNode(swarm: SwarmKey())
            let connections = ShardConnections(
                address: address, credentials: stranger.credentials, expected: nil,
                group: .singletonMultiThreadedEventLoopGroup)
            let refusal = await #expect(throws: LinkError.self) { try await connections.take() }
            #expect(refusal?.code == .notAMember)
            let wrong = ShardConnections(
                address: address, credentials: try TestNode(swarm: swarm).credentials, expected: NodeIdentity().id,
                group: .singletonMultiThreadedEventLoopGroup)
            let other = await #expect(throws: LinkError.self) { try await wrong.take() }
            #expect(other?.code == .wrongNode)

            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            let bytes = try await self.bytes(
                from: address, configuration, sending: [try ShardFrames.request(request(1))])
            #expect(bytes.readableBytes == 0 && log.entries.isEmpty)
            _ = node
        }
    }

    @Test("one member cannot take all connections")
    func manyConnections() async throws {
        try await withSender { _, address, _, log in
            let node = try TestNode(swarm: swarm)
            let connections = ShardConnections(
                address: address, credentials: node.credentials, expected: nil,
                group: .singletonMultiThreadedEventLoopGroup)
            func ask(_ connection: ShardConnection) async throws -> Int {
                var count = 0
                for try await chunk in try connection.ask(request(1)) { count += chunk.count }
                return count
            }
            var taken: [ShardConnection] = []
            for _ in 0..<LinkLimits().shardConnectionsPerMember {
                taken.append(try await connections.take())
                #expect(try await ask(taken[taken.count - 1]) == 100_000)
            }
            let extra = try await connections.take()
            let error = await #expect(throws: RPCError.self) { try await ask(extra) }
            #expect(error?.code == .unavailable && !extra.isReady)
            // Another member has its own, and who leaves makes room.
            let other = try await connect(try TestNode(swarm: swarm), to: address)
            #expect(try await count(other, request(1)) == 100_000)
            #expect(try await ask(taken[0]) == 100_000)
            connections.abort()
            await #expect(throws: LinkError.self) { try await connections.take() }
        }
    }

    @Test("a name that stands for several addresses is reached at the one that answers")
    func names() async throws {
        try await withSender { _, address, _, _ in
            let connections = ShardConnections(
                address: try #require(LinkAddress(host: "localhost", port: address.port)),
                credentials: try TestNode(swarm: swarm).credentials, expected: nil,
                group: .singletonMultiThreadedEventLoopGroup)
            let connection = try await connections.take()
            #expect(connection.isReady)
            connections.giveBack(connection)
            #expect(try await connections.take() === connection)
        }
    }

    @Test("what is no request is answered with why, and the connection closed", arguments: [0, 1, 2])
    func abuse(kind: Int) async throws {
        try await withSender { _, address, _, log in
            var configuration = try TLSConfiguration.makeClientConfiguration(
                certificateReloader: try TestNode(swarm: swarm).credentials)
            configuration.certificateVerification = .none
            let sent: [ByteBuffer] =
                switch kind {
                case 0: [ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n")]
                case 1: [ByteBuffer(repeating: 0, count: 1 << 16)]
                default: [try ShardFrames.request(request(.max)), try ShardFrames.request(request(1))]
                }
            var bytes = try await self.bytes(from: address, configuration, sending: sent)
            if kind == 2 { await log.wait { $0.allSatisfy(\.hasEnded) } }
            var (reader, ends) = (ShardAnswerReader(), [RPCError?]())
            while let event = try reader.next(&bytes) {
                if case .end(let error) = event { ends.append(error) }
            }
            #expect(ends.count == 1 && ends.first??.message.isEmpty == false)
        }
    }

    /// What comes over a connection until it is closed; each buffer is sent after something has come for the one before.
    private func bytes(
        from address: LinkAddress, _ configuration: TLSConfiguration, sending buffers: [ByteBuffer]
    ) async throws -> ByteBuffer {
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var (all, rest) = (ByteBuffer(), buffers[...])
            do {
                if let first = rest.popFirst() { try await outbound.write(first) }
                for try await some in inbound {
                    all.writeImmutableBuffer(some)
                    if let next = rest.popFirst() { try await outbound.write(next) }
                }
            } catch is NIOSSLError, is BoringSSLError, is IOError, is ChannelError {}
            return all
        }
    }
}
