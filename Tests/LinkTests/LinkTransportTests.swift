import Crypto
import Foundation
import GRPCCore
import Identifiers
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ShoalTestSupport
import SwiftProtobuf
import Synchronization
import Testing

@testable import Link

@Suite("The link between nodes", .timeLimit(.minutes(1)))
struct LinkTransportTests {
    let swarm = SwarmKey()

    private func address(of server: LinkServer) async throws -> LinkAddress {
        try #require(LinkAddress(host: "127.0.0.1", port: try await server.port))
    }

    private func connect(
        _ node: TestNode, to server: LinkServer, expecting id: NodeID?, timeout: Duration = .seconds(10)
    ) async throws -> LinkChannel {
        try await LinkChannel.connect(
            to: .node(id, addresses: [address(of: server)]), credentials: node.credentials, timeout: timeout)
    }

    @Test("Members reach each other and know who the other is")
    func membersMeet() async throws {
        let server = try TestNode(swarm: swarm)
        let caller = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, service in
            let channel = try await connect(caller, to: listener, expecting: server.id)
            #expect(channel.peer == server.id)
            _ = try await channel.echo(Shoal_V1_Frame.with { $0.ping.nonce = 7 }, count: 3)
            #expect(service.callers.seen.withLock { $0 } == [caller.id])
        }
    }

    @Test("Messages of 12 MiB pass in both directions")
    func largeMessages() async throws {
        let server = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, _ in
            let channel = try await connect(try TestNode(swarm: swarm), to: listener, expecting: nil)
            let frame = Shoal_V1_Frame.with { $0.hiddenStates.data = Data(repeating: 5, count: 12 << 20) }
            _ = try await channel.echo(frame, count: 2)
        }
    }

    @Test("A caller of another swarm is refused, and told so")
    func foreignCaller() async throws {
        let server = try TestNode(swarm: swarm)
        let log = LogRecorder()
        try await withLinkServer(server, log: log) { listener, service in
            let stranger = try TestNode(swarm: SwarmKey())
            let error = await #expect(throws: LinkError.self) {
                try await connect(stranger, to: listener, expecting: server.id)
            }
            #expect(error?.code == .notAMember)
            #expect(service.callers.seen.withLock { $0.isEmpty })
            // The server goes on serving members.
            _ = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
        }
    }

    @Test("A listener refuses whoever trusts it but is not a member")
    func refusedByServer() async throws {
        let server = try TestNode(swarm: swarm)
        let log = LogRecorder()
        try await withLinkServer(server, log: log) { listener, service in
            // It verifies with the right key, but presents a certificate of another swarm.
            let identity = NodeIdentity()
            let key = P256.Signing.PrivateKey()
            let certificate = try NodeCertificate(identity: identity, swarm: SwarmKey(), key: key)
            let credentials = try ForgedCertificate.credentials(
                certificate.derBytes, key: key, id: identity.id, swarm: swarm)
            try await expectRefusal(by: listener, of: credentials, service: service, code: .notAMember)
            try await eventually { log.lines(at: .notice).count == 1 }
            #expect(log.lines(at: .notice)[0].contains("another swarm"))
            _ = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
        }
    }

    @Test("A caller that claims another node's id is refused")
    func forgedCaller() async throws {
        let server = try TestNode(swarm: swarm)
        let log = LogRecorder()
        try await withLinkServer(server, log: log) { listener, service in
            let victim = NodeIdentity().id
            let key = P256.Signing.PrivateKey()
            let forged = try ForgedCertificate.claiming(victim, signedBy: NodeIdentity(), swarm: swarm, key: key)
            let credentials = try ForgedCertificate.credentials(forged, key: key, id: victim, swarm: swarm)
            try await expectRefusal(by: listener, of: credentials, service: service, code: .notAMember)
            try await eventually { log.lines(at: .notice).count == 1 }
            #expect(log.lines(at: .notice)[0].contains("has not signed"))
            _ = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
        }
    }

    @Test("A copied certificate is worth nothing without its private key")
    func copiedCertificate() async throws {
        let server = try TestNode(swarm: swarm)
        let victim = NodeIdentity()
        let certificate = try NodeCertificate(identity: victim, swarm: swarm, key: P256.Signing.PrivateKey())
        let credentials = try ForgedCertificate.credentials(
            certificate.derBytes, key: P256.Signing.PrivateKey(), id: victim.id, swarm: swarm)
        try await withLinkServer(server) { listener, service in
            await #expect(throws: LinkError.self) {
                try await LinkChannel.connect(
                    to: .node(server.id, addresses: [try await address(of: listener)]), credentials: credentials,
                    timeout: .seconds(10))
            }
            #expect(service.callers.seen.withLock { $0.isEmpty })
            _ = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
        }
    }

    @Test("The wrong node at the right address is named")
    func wrongNode() async throws {
        let server = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, _ in
            let wanted = NodeIdentity().id
            let error = await #expect(throws: LinkError.self) {
                try await connect(try TestNode(swarm: swarm), to: listener, expecting: wanted)
            }
            #expect(error?.code == .wrongNode)
            #expect(error?.expected == wanted)
            #expect(error?.found == server.id)
        }
    }

    @Test(
        "Nonsense on the port is refused and the listener lives on",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}garbage",
            "\0\0\0\0\0\0\0\0",
        ])
    func nonsense(text: String) async throws {
        let server = try TestNode(swarm: swarm)
        let log = LogRecorder()
        try await withLinkServer(server, log: log) { listener, _ in
            let port = try await listener.port
            for _ in 0..<3 {
                let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connect(host: "127.0.0.1", port: port).get()
                try await channel.writeAndFlush(ByteBuffer(string: text + String(repeating: "x", count: 70_000)))
                try await channel.closeFuture.get()
            }
            try await eventually { log.lines(at: .notice).count == 3 }
            let channel = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
            _ = try await channel.echo(Shoal_V1_Frame.with { $0.ping.nonce = 7 }, count: 1)
        }
    }

    @Test("A TLS client without a certificate is refused")
    func anonymousCaller() async throws {
        let server = try TestNode(swarm: swarm)
        let log = LogRecorder()
        try await withLinkServer(server, log: log) { listener, service in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.applicationProtocols = ["h2"]
            let context = try NIOSSLContext(configuration: configuration)
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                }
                .connect(host: "127.0.0.1", port: try await listener.port).get()
            try? await channel.writeAndFlush(ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
            try await channel.closeFuture.get()
            try await eventually { log.lines(at: .notice).count == 1 }
            #expect(service.callers.seen.withLock { $0.isEmpty })
            _ = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
        }
    }

    @Test("A caller that says nothing is hung up on")
    func silentCaller() async throws {
        let server = try TestNode(swarm: swarm)
        var limits = LinkLimits()
        limits.handshakeTimeout = .milliseconds(200)
        let log = LogRecorder()
        try await withLinkServer(server, log: log, limits: limits) { listener, _ in
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: try await listener.port).get()
            try await channel.closeFuture.get()
            try await eventually { log.lines(at: .notice).contains { $0.contains("too long") } }
        }
    }

    @Test("Too many callers at once are turned away, and there is room again when they leave")
    func flood() async throws {
        let server = try TestNode(swarm: swarm)
        var limits = LinkLimits()
        limits.handshakes = 4
        try await withLinkServer(server, limits: limits) { listener, _ in
            let port = try await listener.port
            let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            var callers: [any Channel] = []
            for _ in 0...4 { callers.append(try await bootstrap.connect(host: "127.0.0.1", port: port).get()) }
            // Which of them is one too many depends on the order in which the listener's event loops meet them.
            try await eventually { [callers] in callers.filter { !$0.isActive }.count == 1 }
            for channel in callers where channel.isActive { try await channel.close() }
            try await eventually {
                (try? await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)) != nil
            }
        }
    }

    @Test("Members get in past as many silent callers as there may be, the oldest of whom go")
    func silentCallers() async throws {
        let server = try TestNode(swarm: swarm)
        var limits = LinkLimits()
        limits.handshakes = 8
        limits.handshakeTimeout = .seconds(60)
        let log = LogRecorder()
        try await withLinkServer(server, log: log, limits: limits) { listener, _ in
            let port = try await listener.port
            let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            var callers: [any Channel] = []
            for _ in 0..<8 { callers.append(try await bootstrap.connect(host: "127.0.0.1", port: port).get()) }
            for _ in 0..<3 { _ = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id) }
            try await eventually { [callers] in callers.contains { !$0.isActive } }
            #expect(log.lines(at: .notice).contains { $0.contains("has not proven who it is") })
            for channel in callers where channel.isActive { try await channel.close() }
        }
    }

    @Test("Nobody at the address is a typed error")
    func nobodyThere() async throws {
        let address = try #require(LinkAddress(host: "127.0.0.1", port: 1))
        let error = await #expect(throws: LinkError.self) {
            try await LinkChannel.connect(
                to: .node(nil, addresses: [address]), credentials: try TestNode(swarm: swarm).credentials,
                timeout: .seconds(10))
        }
        #expect(error?.code == .unreachable)
    }

    @Test("An address that answers no handshake times out")
    func deafAddress() async throws {
        let deaf = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup).bind(
            host: "127.0.0.1", port: 0
        ).get()
        let address = try #require(LinkAddress(host: "127.0.0.1", port: deaf.localAddress?.port ?? 0))
        let error = await #expect(throws: LinkError.self) {
            try await LinkChannel.connect(
                to: .node(nil, addresses: [address]), credentials: try TestNode(swarm: swarm).credentials,
                timeout: .milliseconds(300))
        }
        #expect(error?.code == .timedOut)
        try await deaf.close()
    }

    @Test("Bad addresses are passed over for a good one")
    func severalAddresses() async throws {
        let server = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, _ in
            let good = try await address(of: listener)
            let dead = try #require(LinkAddress(host: "127.0.0.1", port: 1))
            let channel = try await LinkChannel.connect(
                to: .node(server.id, addresses: [dead, good]), credentials: try TestNode(swarm: swarm).credentials,
                timeout: .seconds(10))
            #expect(channel.address == good)
        }
    }

    @Test("A node that moves to another swarm serves the new members without starting again")
    func replacedCredentials() async throws {
        let server = try TestNode(swarm: swarm)
        let other = SwarmKey()
        try await withLinkServer(server) { listener, _ in
            _ = try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
            try server.credentials.replace(with: LinkCredentials(identity: server.identity, swarm: other))
            let channel = try await connect(try TestNode(swarm: other), to: listener, expecting: server.id)
            #expect(channel.peer == server.id)
            await #expect(throws: LinkError.self) {
                try await connect(try TestNode(swarm: swarm), to: listener, expecting: server.id)
            }
        }
    }

    @Test("A taken port is a typed error")
    func takenPort() async throws {
        let server = try TestNode(swarm: swarm)
        try await withLinkServer(server) { listener, _ in
            let second = try LinkServer(
                network: try await address(of: listener), credentials: server.credentials, services: [],
                logger: LogRecorder().logger)
            let error = await #expect(throws: LinkError.self) { try await second.run() }
            #expect(error?.code == .addressInUse)
            await #expect(throws: LinkError.self) { try await second.port }
        }
    }

    @Test("Over the Unix socket the caller is this user, not a node")
    func unixSocket() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/run/engine.sock"
            try await withLinkServer(nil, socketPath: path) { _, service in
                let channel = try await LinkChannel.connect(to: .socket(path: path))
                _ = try await channel.echo(Shoal_V1_Frame.with { $0.ping.nonce = 7 }, count: 1)
                #expect(service.callers.seen.withLock { $0 } == [nil])
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let folderMode =
                    try FileManager.default.attributesOfItem(atPath: "\(folder)/run")[.posixPermissions] as? Int
                #expect(folderMode == 0o700)
            }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("A socket is not put where others may enter")
    func openFolder() async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            let error = #expect(throws: LinkError.self) {
                try LinkServer(socketPath: "\(folder)/engine.sock", services: [], logger: LogRecorder().logger)
            }
            #expect(error?.message.contains("chmod 700") == true)
        }
    }

    @Test("A socket nobody listens on is a typed error")
    func absentSocket() async throws {
        let error = await #expect(throws: LinkError.self) {
            try await LinkChannel.connect(to: .socket(path: "/tmp/shoal-absent.sock"))
        }
        #expect(error?.code == .unreachable)
    }

    /// The dial fails at once, or its first call does; the service is never reached.
    private func expectRefusal(
        by listener: LinkServer, of credentials: CurrentCredentials, service: EchoService, code: LinkError.Code
    ) async throws {
        let endpoint = LinkEndpoint.node(nil, addresses: [try await address(of: listener)])
        let error = await #expect(throws: LinkError.self) {
            try await LinkChannel.connect(to: endpoint, credentials: credentials, timeout: .seconds(10))
        }
        #expect(error?.code == code)
        #expect(service.callers.seen.withLock { $0.isEmpty })
    }
}
