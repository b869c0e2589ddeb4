import Foundation
import GRDB
import GRPCCore
import Hardware
import Inference
import Link
import Logging
import NIOCore
import NIOPosix
import ShoalTestSupport
import Store
import SwiftProtobuf
import Synchronization
import Testing

@testable import Cluster

@Suite("A master and its workers over real links", .timeLimit(.minutes(1)))
struct MasterTests {
    @Test("Workers join, appear with what they said, and go")
    func joining() async throws {
        try await withMaster { master in
            let (record, token) = try await master.token()
            let workers = (1...3).map {
                TestWorker("worker\($0).example.com", weight: $0 * 10, models: ["m\($0)", "all"])
            }
            for worker in workers { try worker.start(master.address, token: token) }
            try await eventually { master.master.clients().count == 3 }
            let node = try #require(master.node(workers[1]))
            #expect(node.hostname.rawValue == "worker2.example.com")
            #expect(node.token.shown == record.shown)
            #expect(node.weight == 20)
            #expect(node.workersAvailable == 2)
            #expect(node.address == "127.0.0.1")
            #expect(node.gpus.map(\.device.summary) == ["CUDA Device 0: 8GB VRAM"])
            #expect(node.isConnected)
            let statistics = master.master.statistics()
            #expect(statistics.totalNodes == 3)
            #expect(statistics.connectedNodes == 3)
            #expect(statistics.totalWorkers == 6)
            #expect(master.master.models().map(\.model.id) == ["all", "m1", "m2", "m3"])
            #expect(master.master.models().map(\.nodes.count) == [3, 1, 1, 1])
            try await eventually {
                master.master.clients().allSatisfy { $0.processes.map(\.name) == ["generation_cpu"] }
            }
            #expect(master.master.tokens.list().first?.lastUsed != nil)

            workers[0].stop()
            try await eventually { master.node(workers[0])?.isConnected == false }
            #expect(master.master.statistics().connectedNodes == 2)
            #expect(master.master.statistics().totalNodes == 3)
            for worker in workers { worker.stop() }
        }
    }

    @Test("A driver is told at once, kept over a reconnect, and over a restart of the master")
    func driver() async throws {
        let store = try Store.inMemory()
        let identity = NodeIdentity()
        let worker = TestWorker("painter")
        let token = Mutex<ClusterToken?>(nil)
        try await withMaster(store: store, identity: identity) { master in
            let (record, made) = try await master.token()
            token.withLock { $0 = made }
            try worker.start(master.address, token: made)
            try await eventually { worker.drivers.withLock { $0 } == [nil] }
            try await master.master.setDriver(.rocm, hostname: "painter", token: record.shown)
            try await eventually { worker.drivers.withLock { $0 } == [nil, .rocm] }
            #expect(master.node(worker)?.driver == .rocm)
            for (hostname, text) in [("other", made.text), ("painter", "abc..."), ("", made.text), ("painter", "")] {
                let error = await #expect(throws: ClusterError.self) {
                    try await master.master.setDriver(.cuda, hostname: hostname, token: text)
                }
                #expect(error?.code == .nodeNotFound)
            }
            worker.stop()
            _ = await worker.outcome()
            try worker.start(master.address, token: made)
            try await eventually { worker.drivers.withLock { $0 } == [nil, .rocm, .rocm] }
            worker.stop()
        }
        try await withMaster(store: store, identity: identity) { master in
            let made = try #require(token.withLock { $0 })
            #expect(master.node(worker)?.isConnected == false)
            try await master.master.setDriver(.cuda, hostname: "painter", token: made.text)
            try worker.start(master.address, token: made)
            try await eventually { worker.drivers.withLock { $0.last } == .cuda }
            // And taken back, for good.
            try await master.master.setDriver(nil, hostname: "painter", token: made.text)
            try await eventually { worker.drivers.withLock { $0.last } == .some(nil) }
            #expect(master.node(worker)?.driver == nil)
            worker.stop()
        }
        try await withMaster(store: store, identity: identity) { master in
            #expect(master.node(worker) != nil && master.node(worker)?.driver == nil)
        }
    }

    @Test("A worker that calls an HTTP port is told so, and ends; one whose master is away calls on")
    func httpPort() async throws {
        try await withMaster { master in
            let (_, token) = try await master.token()
            let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(RefusesInHTTP())
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let address = try #require(LinkAddress(host: "127.0.0.1", port: listener.localAddress?.port ?? 0))
            let worker = TestWorker("mistaken")
            try worker.start(address, token: token)
            guard case .failure(let error as ClusterError) = await worker.outcome() else {
                Issue.record("it goes on")
                return
            }
            #expect(
                error.code == .refused && error.message.contains("HTTP is spoken at \(address)"), "\(error.message)")
            try await listener.close()
            // What says something else than HTTP, or nothing, is no reason to give up.
            #expect(await HTTPProbe.isAnswered(at: address) == false)
            #expect(await HTTPProbe.isAnswered(at: master.address) == false)
        }
    }

    @Test("A revoked worker is cut off at once, knows why, and cannot return")
    func revoked() async throws {
        try await withMaster { master in
            let (record, token) = try await master.token()
            let (_, other) = try await master.token("others")
            let (worker, bystander) = (TestWorker("gone"), TestWorker("stays"))
            try worker.start(master.address, token: token)
            try bystander.start(master.address, token: other)
            try await eventually { master.master.clients().count == 2 }
            let revoked = try await master.master.revoke(record.id)
            #expect(!revoked.isActive)
            for attempt in 0..<2 {
                guard case .failure(let error as ClusterError) = await worker.outcome() else {
                    Issue.record("attempt \(attempt) did not end with an error of the cluster")
                    return
                }
                #expect(error.code == .refused)
                #expect(error.message.contains("revoked"))
                try worker.start(master.address, token: token)
            }
            _ = await worker.outcome()
            #expect(master.master.clients().map(\.hostname.rawValue) == ["stays"])
            #expect(worker.joins.withLock { $0 } == 1)
            #expect(try await !master.master.revoke(record.id).isActive)
            await #expect(throws: ClusterError.self) {
                try await master.master.revoke(try #require(ClusterTokenID(99)))
            }
            bystander.stop()
        }
    }

    /// Has the database refuse a kind of change, until `body` has ended.
    private func refusing(_ change: String, _ store: Store, _ body: () async throws -> Void) async throws {
        try await store.write { database in
            try database.execute(
                sql: "CREATE TRIGGER refuse BEFORE \(change) BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
        }
        try await body()
        try await store.write { try $0.execute(sql: "DROP TRIGGER refuse") }
    }

    @Test("A driver that cannot be written down is neither told nor shown")
    func unwrittenDriver() async throws {
        try await withMaster { master in
            let (record, token) = try await master.token()
            let worker = TestWorker("painter")
            try worker.start(master.address, token: token)
            try await eventually { worker.drivers.withLock { $0 } == [nil] }
            try await master.master.setDriver(.cuda, hostname: "painter", token: record.shown)
            try await eventually { worker.drivers.withLock { $0 } == [nil, .cuda] }
            try await refusing("INSERT ON clusterDriver", master.store) {
                await #expect(throws: StoreError.self) {
                    try await master.master.setDriver(.rocm, hostname: "painter", token: record.shown)
                }
            }
            #expect(master.node(worker)?.driver == .cuda)
            worker.stop()
            _ = await worker.outcome()
            try worker.start(master.address, token: token)
            try await eventually { worker.drivers.withLock { $0 } == [nil, .cuda, .cuda] }
            worker.stop()
        }
    }

    @Test("Of several drivers chosen at once the last one is kept, shown and told")
    func driversAtOnce() async throws {
        try await withMaster { master in
            let (record, token) = try await master.token()
            let worker = TestWorker("painter")
            try worker.start(master.address, token: token)
            try await eventually { worker.drivers.withLock { $0 } == [nil] }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await master.master.setDriver(
                            number.isMultiple(of: 2) ? .cuda : .rocm, hostname: "painter", token: record.shown)
                    }
                }
                try await group.waitForAll()
            }
            let shown = try #require(master.node(worker)?.driver)
            try await eventually { worker.drivers.withLock { $0.last } == shown }
            let kept = try await master.store.read { database in
                try String.fetchAll(database, sql: "SELECT driver FROM clusterDriver")
            }
            #expect(kept == [shown.rawValue])
            worker.stop()
        }
    }

    @Test("A token whose end cannot be written down lets nobody in all the same, and is ended when it is asked again")
    func unwrittenRevocation() async throws {
        let store = try Store.inMemory()
        let identity = NodeIdentity()
        try await withMaster(store: store, identity: identity) { master in
            let (record, token) = try await master.token()
            let worker = TestWorker("gone")
            try worker.start(master.address, token: token)
            try await eventually { master.master.clients().count == 1 }
            try await refusing("UPDATE OF revoked ON clusterToken", store) {
                for _ in 0..<2 {
                    await #expect(throws: StoreError.self) { try await master.master.revoke(record.id) }
                }
            }
            guard case .failure(let error as ClusterError) = await worker.outcome() else {
                Issue.record("the worker was not cut off")
                return
            }
            #expect(error.code == .refused)
            try worker.start(master.address, token: token)
            _ = await worker.outcome()
            #expect(worker.joins.withLock { $0 } == 1)
            _ = try await master.master.revoke(record.id)
        }
        #expect(try ClusterTokens(store: store, master: identity.id).list().map(\.isActive) == [false])
    }

    @Test("A token of another master ends the worker with what to do")
    func foreignToken() async throws {
        try await withMaster { master in
            let worker = TestWorker("stray")
            try worker.start(master.address, token: ClusterToken(master: NodeIdentity().id))
            guard case .failure(let error as ClusterError) = await worker.outcome() else {
                Issue.record("the worker did not end with an error of the cluster")
                return
            }
            #expect(error.code == .refused)
            #expect(error.message.contains("not the master that the token is for"))
        }
    }

    @Test("A worker waits for a master that is away, and finds it when it is there")
    func patience() async throws {
        let store = try Store.inMemory()
        let identity = NodeIdentity()
        let worker = TestWorker("patient")
        let place = Mutex<(LinkAddress, ClusterToken)?>(nil)
        try await withMaster(store: store, identity: identity) { master in
            let (_, token) = try await master.token()
            place.withLock { $0 = (master.address, token) }
        }
        let (address, token) = try #require(place.withLock { $0 })
        try worker.start(address, token: token)
        try await eventually(within: .seconds(30), "it calls in vain") { worker.sleeps.withLock { $0 } >= 2 }
        #expect(worker.joins.withLock { $0 } == 0)
        var logger = Logger(label: "master")
        logger.logLevel = .critical
        let master = try ClusterMaster(store: store, me: identity.id, logger: logger)
        let server = try LinkServer(
            network: address,
            credentials: try CurrentCredentials(LinkCredentials(identity: identity, swarm: SwarmKey())),
            services: [master.service], workers: master.gate, logger: logger)
        let serving = Task { try await server.run() }
        try await eventually { worker.joins.withLock { $0 } == 1 }
        worker.stop()
        serving.cancel()
        _ = await serving.result
    }

    @Test("A worker that was taken before waits for a master that does not know its token now")
    func forgetfulMaster() async throws {
        let store = try Store.inMemory()
        let identity = NodeIdentity()
        let worker = TestWorker("faithful")
        let place = Mutex<LinkAddress?>(nil)
        try await withMaster(store: store, identity: identity) { master in
            let (_, token) = try await master.token()
            place.withLock { $0 = master.address }
            try worker.start(master.address, token: token)
            try await eventually { master.master.clients().count == 1 }
        }
        let address = try #require(place.withLock { $0 })
        let refusals = Mutex(0)
        let strange = WorkerGate { _ in
            refusals.withLock { $0 += 1 }
            return .unknown
        }
        try await withMaster(identity: identity, address: address, gate: strange) { _ in
            try await eventually { refusals.withLock { $0 } >= 3 }
        }
        try await withMaster(store: store, identity: identity, address: address) { master in
            try await eventually { master.master.clients().count == 1 }
            worker.stop()
        }
    }

    @Test("A worker calls with a certificate that was made for the call, however long it has run")
    func freshCertificate() async throws {
        try await withMaster { master in
            let (_, token) = try await master.token()
            let identity = NodeIdentity()
            let (joined, join) = AsyncStream.makeStream(of: Void.self)
            let worker = try ClusterWorker(
                master: master.address, token: token, identity: identity,
                operations: TestWorker("old", identity: identity).operations, logger: Logger(label: "worker")
            ) { _, _ in join.yield() }
            let first = worker.credentials.value.certificate
            let task = Task { try await worker.run() }
            for await _ in joined { break }
            #expect(worker.credentials.value.certificate != first)
            #expect(worker.credentials.value.nodeID == identity.id)
            task.cancel()
            _ = await task.result
        }
    }

    @Test("A node that calls anew takes its own place")
    func again() async throws {
        try await withMaster { master in
            let (_, token) = try await master.token()
            let worker = TestWorker("double")
            try worker.start(master.address, token: token)
            try await eventually { master.master.clients().count == 1 }
            let twin = TestWorker("double", identity: worker.identity)
            try twin.start(master.address, token: token)
            try await eventually { twin.joins.withLock { $0 } >= 1 }
            worker.stop()
            _ = await worker.outcome()
            try await eventually { master.master.clients().count == 1 && master.master.nodes().count == 1 }
            twin.stop()
        }
    }

    // MARK: - Rude workers

    /// Sends messages by hand, and returns why the master ended the stream.
    private func attend(
        _ master: TestMaster, _ messages: [Shoal_V1_WorkerMessage]
    ) async throws -> RPCError? {
        let (_, token) = try await master.token("rude \(messages.count)")
        let channel = try await LinkChannel.connect(
            to: .node(token.master, addresses: [master.address]),
            credentials: try CurrentCredentials(LinkCredentials(identity: NodeIdentity(), token: token)))
        return await #expect(throws: RPCError.self) {
            try await channel.cluster.attend { writer in
                for message in messages { try await writer.write(message) }
                try await Task.sleep(for: .seconds(60))
            } onResponse: { response in
                for try await _ in response.messages {}
            }
        }
    }

    @Test("Who breaks the rules is cut off, and the master lives on")
    func rude() async throws {
        try await withMaster { master in
            let good = WorkerDescription.sample(hostname: "rude").message
            func describe(_ change: (inout Shoal_V1_WorkerDescription) -> Void) -> Shoal_V1_WorkerMessage {
                var description = good
                change(&description)
                return .with { $0.description_p = description }
            }
            let heartbeat = Shoal_V1_WorkerMessage.with { $0.heartbeat = .init() }
            let cases: [[Shoal_V1_WorkerMessage]] = [
                [heartbeat], [Shoal_V1_WorkerMessage()], [describe { $0.hostname = "" }],
                [describe { $0.hostname = "a b" }], [describe { $0.hostname = String(repeating: "a", count: 254) }],
                [describe { $0.weight = 0 }], [describe { $0.weight = 10_001 }],
                [describe { $0.models = Array(repeating: $0.models[0], count: 2) }],
                [describe { $0.models[0].id = "" }], [describe { $0.models[0].name = "a\u{7}" }],
                [describe { $0.version = String(repeating: "1", count: 300) }],
                [describe { $0.gpus = Array(repeating: $0.gpus[0], count: 65) }],
                [describe { _ in }, describe { $0.hostname = "another" }],
                [describe { _ in }] + Array(repeating: heartbeat, count: 60),
                [
                    describe { _ in },
                    .with {
                        $0.heartbeat.processes.processes = Array(repeating: .init(), count: 1001)
                    },
                ],
            ]
            for messages in cases {
                let error = try await attend(master, messages)
                #expect(error?.code == .invalidArgument, "\(String(describing: error))")
            }
            try await eventually { master.master.clients().isEmpty }
            let (_, token) = try await master.token()
            let worker = TestWorker("polite")
            try worker.start(master.address, token: token)
            try await eventually { master.master.clients().count == 1 }
            worker.stop()
        }
    }

    @Test("Jobs are for the workers that they were given to")
    func otherPeoplesJobs() async throws {
        try await withMaster { master in
            let (_, token) = try await master.token()
            let channel = try await LinkChannel.connect(
                to: .node(token.master, addresses: [master.address]),
                credentials: try CurrentCredentials(LinkCredentials(identity: NodeIdentity(), token: token)))
            for first in [Shoal_V1_JobEvent.with { $0.accepted.job = 1 }, .with { $0.ready = .init() }] {
                let error = await #expect(throws: RPCError.self) {
                    try await channel.cluster.runJob { writer in
                        try await writer.write(first)
                        try await Task.sleep(for: .seconds(60))
                    } onResponse: { response in
                        for try await _ in response.messages {}
                    }
                }
                #expect([.notFound, .invalidArgument].contains(error?.code))
            }
        }
    }
}

/// Answers whatever comes as an HTTP server answers what it does not understand.
private final class RefusesInHTTP: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let answer = ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
}
