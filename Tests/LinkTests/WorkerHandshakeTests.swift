import Crypto
import Foundation
import GRPCCore
import Identifiers
import Logging
import ShoalTestSupport
import SwiftProtobuf
import Synchronization
import Testing

@testable import Link

/// Answers `Attend` with a welcome, and remembers who called.
private struct ClusterEcho: Shoal_V1_Cluster.SimpleServiceProtocol {
    final class Callers: Sendable {
        let seen = Mutex<[ProvenPeer?]>([])
    }

    let callers = Callers()

    func attend(
        request: RPCAsyncSequence<Shoal_V1_WorkerMessage, any Error>, response: RPCWriter<Shoal_V1_MasterMessage>,
        context: ServerContext
    ) async throws {
        callers.seen.withLock { $0.append(context.provenPeer) }
        try await response.write(.with { $0.welcome.heartbeatMilliseconds = 7 })
        for try await _ in request {}
    }

    func runJob(
        request: RPCAsyncSequence<Shoal_V1_JobEvent, any Error>, response: RPCWriter<Shoal_V1_JobRequest>,
        context: ServerContext
    ) async throws {
        callers.seen.withLock { $0.append(context.provenPeer) }
    }
}

@Suite("Workers at the door", .timeLimit(.minutes(1)))
struct WorkerHandshakeTests {
    private let swarm = SwarmKey()
    private let worker = NodeIdentity()

    /// What the master thinks of tokens.
    private final class Standings: Sendable {
        let known = Mutex<[ClusterTokenKey: WorkerGate.Standing]>([:])
        var gate: WorkerGate { WorkerGate { key in self.known.withLock { $0[key] ?? .unknown } } }

        func set(_ token: ClusterToken, _ standing: WorkerGate.Standing) {
            known.withLock { $0[token.key] = standing }
        }
    }

    private func withMaster(
        gate: WorkerGate?, limits: LinkLimits = LinkLimits(),
        _ body: (TestNode, LinkAddress, EchoService, ClusterEcho, LogRecorder) async throws -> Void
    ) async throws {
        let master = try TestNode(swarm: swarm)
        let (echo, cluster, log) = (EchoService(), ClusterEcho(), LogRecorder())
        let server = try LinkServer(
            network: LinkAddress(host: "127.0.0.1", port: 0), credentials: master.credentials,
            services: [echo, cluster],
            workers: gate, limits: limits, logger: log.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = LinkAddress(host: "127.0.0.1", port: try await server.port)
            try await body(master, try #require(address), echo, cluster, log)
            group.cancelAll()
        }
    }

    private func connect(
        _ identity: NodeIdentity, token: ClusterToken, to address: LinkAddress
    ) async throws -> LinkChannel {
        try await LinkChannel.connect(
            to: .node(token.master, addresses: [address]),
            credentials: try CurrentCredentials(LinkCredentials(identity: identity, token: token)),
            timeout: .seconds(10))
    }

    /// The welcome of a call of `Attend`, which ends after it.
    private func attend(_ channel: LinkChannel) async throws -> UInt32? {
        try await channel.cluster.attend { writer in
            try await writer.write(.with { $0.leaving = .init() })
        } onResponse: { response in
            for try await message in response.messages { return message.welcome.heartbeatMilliseconds }
            return nil
        }
    }

    // MARK: - Tokens

    @Test("A token survives its text, and anything else is none")
    func tokenText() throws {
        let master = NodeIdentity().id
        let token = ClusterToken(master: master)
        let read = try #require(ClusterToken(token.text))
        #expect(read.key == token.key)
        #expect(read.master == master)
        #expect(token.text.utf8.count == 108)
        #expect(token.shown == "\(token.text.prefix(6))...")
        for text in [
            "", ".", token.shown, String(token.text.dropLast()), token.text + "0", token.text + ".0",
            String(token.text.dropFirst()), String(token.text.prefix(43)), token.text.replacing(".", with: ":"),
            String(repeating: "=", count: 43) + ".\(master.hex)",
        ] {
            #expect(ClusterToken(text) == nil, "\(text)")
        }
    }

    @Test("Credentials of a worker survive their JSON form, and know no swarm")
    func credentialsAsJSON() throws {
        let token = ClusterToken(master: NodeIdentity().id)
        let credentials = try LinkCredentials(identity: worker, token: token)
        let copy = try JSONDecoder().decode(LinkCredentials.self, from: JSONEncoder().encode(credentials))
        #expect(copy.nodeID == worker.id)
        #expect(copy.swarm == nil)
        _ = try CurrentCredentials(copy)
    }

    // MARK: - Proofs

    @Test("A worker's certificate proves its node id and its token, to a master alone")
    func provesToken() throws {
        let token = ClusterToken(master: NodeIdentity().id)
        let made = try NodeCertificate(identity: worker, token: token, key: P256.Signing.PrivateKey())
        let verifier = PeerVerifier(swarm: swarm)
        let standings = Standings()
        standings.set(token, .active)
        #expect(
            try verifier.verify(derBytes: made.derBytes, workers: standings.gate)
                == .worker(worker.id, token: token.key))
        let asMember = #expect(throws: LinkError.self) { try verifier.verify(derBytes: made.derBytes) }
        #expect(asMember?.code == .notAMember)
        let elsewhere = #expect(throws: LinkError.self) { try verifier.verify(derBytes: made.derBytes, workers: nil) }
        #expect(elsewhere?.code == .notAMember)
        standings.set(token, .unknown)
        let unknown = #expect(throws: LinkError.self) {
            try verifier.verify(derBytes: made.derBytes, workers: standings.gate)
        }
        #expect(unknown?.code == .unknownToken)
    }

    @Test("A worker's proof with any byte changed is worth nothing", arguments: 0..<209)
    func changedProof(index: Int) throws {
        let token = ClusterToken(master: NodeIdentity().id)
        let key = P256.Signing.PrivateKey()
        var proof = try NodeCertificate(identity: worker, token: token, key: key).proof.bytes
        #expect(proof.count == 209)
        proof[index] ^= 1
        let changed = try ForgedCertificate.carrying(proof, key: key)
        let everything = WorkerGate { _ in .active }
        #expect(throws: LinkError.self) {
            try PeerVerifier(swarm: swarm).verify(derBytes: changed, workers: everything)
        }
    }

    @Test("A worker's proof moved to another TLS key is worth nothing")
    func movedProof() throws {
        let token = ClusterToken(master: NodeIdentity().id)
        let made = try NodeCertificate(identity: worker, token: token, key: P256.Signing.PrivateKey())
        let moved = try ForgedCertificate.carrying(made.proof.bytes, key: P256.Signing.PrivateKey())
        let everything = WorkerGate { _ in .active }
        #expect(throws: LinkError.self) {
            try PeerVerifier(swarm: swarm).verify(derBytes: moved, workers: everything)
        }
    }

    @Test("The token's public key, which the master's database has, makes no worker")
    func publicKeyAlone() throws {
        let token = ClusterToken(master: NodeIdentity().id)
        let key = P256.Signing.PrivateKey()
        // Signed with another token, and claimed to be of this one.
        var proof = try NodeCertificate(
            identity: worker, token: ClusterToken(master: token.master), key: key
        ).proof.bytes
        proof.replaceSubrange(113..<145, with: token.key.bytes)
        let forged = try ForgedCertificate.carrying(proof, key: key)
        let everything = WorkerGate { _ in .active }
        #expect(throws: LinkError.self) {
            try PeerVerifier(swarm: swarm).verify(derBytes: forged, workers: everything)
        }
    }

    // MARK: - Calls

    @Test("A worker gets to the cluster's service, and to nothing that members have")
    func workerCalls() async throws {
        let standings = Standings()
        try await withMaster(gate: standings.gate) { master, address, echo, cluster, _ in
            let token = ClusterToken(master: master.id)
            standings.set(token, .active)
            let channel = try await connect(worker, token: token, to: address)
            #expect(channel.peer == master.id)
            #expect(try await attend(channel) == 7)
            #expect(cluster.callers.seen.withLock { $0 } == [.worker(worker.id, token: token.key)])
            let frame = Shoal_V1_Frame.with { $0.ping.nonce = 7 }
            let refused = await #expect(throws: RPCError.self) { try await channel.echo(frame, count: 1) }
            #expect(refused?.code == .permissionDenied)
            let describing = await #expect(throws: RPCError.self) {
                _ = try await channel.node.describeShard(.init())
            }
            #expect(describing?.code != nil)
            #expect(echo.callers.seen.withLock { $0.isEmpty })
        }
    }

    @Test("A member gets to what members have, and not to the cluster's service")
    func memberCalls() async throws {
        try await withMaster(gate: WorkerGate { _ in .active }) { master, address, echo, cluster, _ in
            let member = try TestNode(swarm: swarm)
            let channel = try await LinkChannel.connect(
                to: .node(master.id, addresses: [address]), credentials: member.credentials, timeout: .seconds(10))
            _ = try await channel.echo(Shoal_V1_Frame.with { $0.ping.nonce = 7 }, count: 1)
            #expect(echo.callers.seen.withLock { $0 } == [member.id])
            let refused = await #expect(throws: RPCError.self) { try await attend(channel) }
            #expect(refused?.code == .permissionDenied)
            #expect(cluster.callers.seen.withLock { $0.isEmpty })
        }
    }

    @Test("A token that is not known ends no handshake, and the worker is told what to do")
    func unknownToken() async throws {
        try await withMaster(gate: WorkerGate { _ in .unknown }) { master, address, _, cluster, log in
            let token = ClusterToken(master: master.id)
            var codes: Set<LinkError.Code> = []
            // The alert can get lost where both sides close at once; then the worker only sees that it was hung up on.
            for _ in 0..<20 where !codes.contains(.unknownToken) {
                let error = await #expect(throws: LinkError.self) {
                    try await connect(worker, token: token, to: address)
                }
                codes.insert(try #require(error?.code))
            }
            #expect(codes.contains(.unknownToken))
            #expect(codes.isSubset(of: [.unknownToken, .unreachable]))
            try await eventually { log.lines(at: .notice).contains { $0.contains("not known here") } }
            #expect(cluster.callers.seen.withLock { $0.isEmpty })
        }
    }

    @Test("A listener without a cluster takes no worker, whatever its token")
    func noCluster() async throws {
        try await withMaster(gate: nil) { master, address, _, cluster, _ in
            await #expect(throws: LinkError.self) {
                try await connect(worker, token: ClusterToken(master: master.id), to: address)
            }
            #expect(cluster.callers.seen.withLock { $0.isEmpty })
        }
    }

    @Test("A worker says nothing to a node that its token is not for")
    func wrongMaster() async throws {
        try await withMaster(gate: WorkerGate { _ in .active }) { master, address, _, cluster, log in
            let token = ClusterToken(master: NodeIdentity().id)
            let error = await #expect(throws: LinkError.self) {
                try await connect(worker, token: token, to: address)
            }
            #expect(error?.code == .wrongNode)
            #expect(error?.found == master.id)
            #expect(cluster.callers.seen.withLock { $0.isEmpty })
            // The master never saw a certificate, so that it does not even know who called.
            try await eventually { !log.lines(at: .notice).isEmpty }
            #expect(!log.lines(at: .notice).contains { $0.contains(worker.id.short) })
        }
    }

    @Test("Who only claims to be the master is not believed")
    func forgedMaster() async throws {
        let token = ClusterToken(master: NodeIdentity().id)
        let key = P256.Signing.PrivateKey()
        // Another node's certificate that names the master; the swarm's code in it is of no account.
        let forged = try ForgedCertificate.claiming(token.master, signedBy: NodeIdentity(), swarm: swarm, key: key)
        let error = #expect(throws: LinkError.self) {
            try PeerVerifier(master: token.master).verify(derBytes: forged)
        }
        #expect(error?.code == .badCertificate)
        // A worker of the master is not the master either, though it has proven to be somebody.
        let made = try NodeCertificate(identity: worker, token: token, key: key)
        #expect(throws: LinkError.self) { try PeerVerifier(master: token.master).verify(derBytes: made.derBytes) }
    }

    // MARK: - Cutting off

    @Test("A revoked token's connection stays as long as it takes to say so")
    func revoked() async throws {
        let standings = Standings()
        try await withMaster(gate: standings.gate) { master, address, _, cluster, _ in
            let token = ClusterToken(master: master.id)
            standings.set(token, .revoked)
            let channel = try await connect(worker, token: token, to: address)
            let begin = ContinuousClock.now
            // A stream that the other side keeps open ends when the connection is closed.
            await #expect(throws: (any Error).self) {
                try await channel.cluster.attend { writer in
                    try await writer.write(.with { $0.leaving = .init() })
                    try await Task.sleep(for: .seconds(60))
                } onResponse: { response in
                    for try await _ in response.messages {}
                }
            }
            #expect(ContinuousClock.now - begin < .seconds(20))
            #expect(cluster.callers.seen.withLock { $0.count } == 1)
        }
    }

    @Test("Holders of revoked tokens leave room for those whose tokens are good")
    func roomForTheGood() async throws {
        var limits = LinkLimits()
        limits.connections = 4
        let standings = Standings()
        try await withMaster(gate: standings.gate, limits: limits) { master, address, _, _, _ in
            let (good, bad) = (ClusterToken(master: master.id), ClusterToken(master: master.id))
            standings.set(good, .active)
            standings.set(bad, .revoked)
            var channels = [try await connect(NodeIdentity(), token: bad, to: address)]
            await #expect(throws: LinkError.self) { try await connect(NodeIdentity(), token: bad, to: address) }
            for _ in 0..<2 { channels.append(try await connect(NodeIdentity(), token: good, to: address)) }
            #expect(channels.count == 3)
        }
    }

    @Test("Workers leave room for the swarm")
    func room() async throws {
        var limits = LinkLimits()
        limits.connections = 4
        let standings = Standings()
        try await withMaster(gate: standings.gate, limits: limits) { master, address, _, _, _ in
            let token = ClusterToken(master: master.id)
            standings.set(token, .active)
            var channels: [LinkChannel] = []
            for _ in 0..<3 { channels.append(try await connect(NodeIdentity(), token: token, to: address)) }
            await #expect(throws: LinkError.self) { try await connect(NodeIdentity(), token: token, to: address) }
            let member = try TestNode(swarm: swarm)
            channels.append(
                try await LinkChannel.connect(
                    to: .node(master.id, addresses: [address]), credentials: member.credentials, timeout: .seconds(10)))
            #expect(channels.count == 4)
        }
    }
}
