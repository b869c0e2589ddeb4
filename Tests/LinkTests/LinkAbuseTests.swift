import Foundation
import GRPCCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import ShoalTestSupport
import SwiftProtobuf
import Synchronization
import Testing

@testable import Link

@Suite("The link under abuse and at its end", .timeLimit(.minutes(1)))
struct LinkAbuseTests {
    let swarm = SwarmKey()

    private func connect(_ node: TestNode, to port: Int, limits: LinkLimits = LinkLimits()) async throws -> LinkChannel
    {
        let address = try #require(LinkAddress(host: "127.0.0.1", port: port))
        return try await LinkChannel.connect(
            to: .node(nil, addresses: [address]), credentials: node.credentials, limits: limits, timeout: .seconds(20))
    }

    private let ping = Shoal_V1_Frame.with { $0.ping.nonce = 7 }

    @Test("A recorded handshake that is played again gets nowhere")
    func replay() async throws {
        let server = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, service in
            let proxy = try await RecordingProxy.start(target: listener.port)
            let channel = try await connect(try TestNode(swarm: swarm), to: proxy.port)
            _ = try await channel.echo(ping, count: 2)
            channel.abort()
            let recording = proxy.sent
            #expect(recording.readableBytes > 1000)
            await proxy.stop()
            let calls = service.callers.seen.withLock { $0.count }
            let replayer = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: try await listener.port).get()
            try await replayer.writeAndFlush(recording)
            try await replayer.closeFuture.get()
            #expect(service.callers.seen.withLock { $0.count } == calls)
            let again = try await connect(try TestNode(swarm: swarm), to: try await listener.port)
            _ = try await again.echo(ping, count: 1)
        }
    }

    @Test("A peer that vanishes without a word is noticed")
    func deadPeer() async throws {
        let server = try TestNode(swarm: swarm)
        var limits = LinkLimits()
        limits.keepaliveTime = .milliseconds(700)
        limits.keepaliveTimeout = .milliseconds(400)
        try await withLinkServer(server) { listener, _ in
            let proxy = try await RecordingProxy.start(target: listener.port)
            let channel = try await connect(try TestNode(swarm: swarm), to: proxy.port, limits: limits)
            let start = ContinuousClock.now
            let error = await #expect(throws: RPCError.self) {
                try await channel.segment.exchange { writer in
                    try await writer.write(ping)
                    proxy.die()
                    try await Task.sleep(for: .seconds(30))
                } onResponse: { response in
                    for try await _ in response.messages {}
                }
            }
            #expect(error?.code == .unavailable)
            #expect(ContinuousClock.now - start < .seconds(15))
            await proxy.stop()
        }
    }

    @Test("A member that speaks no HTTP/2 does not end the listener", arguments: [0, 1, 2])
    func memberNonsense(seed: Int) async throws {
        let server = try TestNode(swarm: swarm)
        let member = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, _ in
            let override = member.credentials.sslContextConfigurationOverride
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.applicationProtocols = ["h2"]
            configuration.certificateChain = override.certificateChain ?? []
            configuration.privateKey = override.privateKey
            let context = try NIOSSLContext(configuration: configuration)
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                }
                .connect(host: "127.0.0.1", port: try await listener.port).get()
            let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            let junk = (0..<50_000).map { _ in UInt8.random(in: .min ... .max) }
            switch seed {
            case 0: try? await channel.writeAndFlush(ByteBuffer(bytes: junk))
            case 1:
                try? await channel.writeAndFlush(
                    ByteBuffer(string: preface + "then something else" + String(repeating: "z", count: 9000)))
            default:
                // A frame header that announces 16 MiB.
                try? await channel.writeAndFlush(
                    ByteBuffer(bytes: Array(preface.utf8) + [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1] + junk))
            }
            try await channel.closeFuture.get()
            _ = try await connect(member, to: try await listener.port).echo(ping, count: 1)
        }
    }

    @Test("A message past the limit is refused, and the connection goes on")
    func oversized() async throws {
        let server = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, _ in
            let channel = try await connect(try TestNode(swarm: swarm), to: try await listener.port)
            let huge = Shoal_V1_Frame.with { $0.hiddenStates.data = Data(repeating: 1, count: 17 << 20) }
            await #expect(throws: (any Error).self) { try await channel.echo(huge, count: 1) }
            _ = try await channel.echo(ping, count: 1)
        }
    }

    @Test("A listener that is cancelled while others keep calling ends without a crash", arguments: 0..<20)
    func cancelledUnderLoad(round: Int) async throws {
        let server = try TestNode(swarm: swarm)
        let caller = try TestNode(swarm: swarm)
        final class Count: Sendable { let value = Mutex(0) }
        let answers = Count()
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await withLinkServer(server) { listener, _ in
                let port = try await listener.port
                for _ in 0..<4 {
                    group.addTask {
                        // Until nobody answers any more.
                        while let channel = try? await connect(caller, to: port),
                            (try? await channel.echo(ping, count: 1)) != nil
                        { answers.value.withLock { $0 += 1 } }
                    }
                }
                // A moment later in each round.
                try await eventually { answers.value.withLock { $0 } > round }
            }
            try await group.waitForAll()
        }
    }

    @Test("Graceful shutdown ends in time though a stream stands, and the port is free again")
    func shutdown() async throws {
        let node = try TestNode(swarm: swarm)
        let logger = LogRecorder().logger
        let server = try LinkServer(
            network: LinkAddress(host: "127.0.0.1", port: 0), credentials: node.credentials, services: [EchoService()],
            gracePeriod: .milliseconds(300), logger: logger)
        let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = try await server.port
            let channel = try await connect(try TestNode(swarm: swarm), to: port)
            tasks.addTask {
                try? await channel.segment.exchange { writer in
                    try await writer.write(ping)
                    try await Task.sleep(for: .seconds(60))
                } onResponse: { response in
                    for try await _ in response.messages { await group.triggerGracefulShutdown() }
                }
            }
            let start = ContinuousClock.now
            try await tasks.next()
            #expect(ContinuousClock.now - start < .seconds(10))
            tasks.cancelAll()
            let next = try LinkServer(
                network: LinkAddress(host: "127.0.0.1", port: port), credentials: node.credentials, services: [],
                logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { inner in
                inner.addTask { try await next.run() }
                let taken = try await next.port
                #expect(taken == port)
                inner.cancelAll()
            }
        }
    }
}
