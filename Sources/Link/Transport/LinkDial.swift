import GRPCCore
import GRPCNIOTransportHTTP2
import Identifiers
import NIOCore
import NIOSSL
import Synchronization

/// One try to reach one address.
struct LinkDial: Sendable {
    enum Target: Sendable {
        case address(LinkAddress)
        case socket(path: String)
    }

    /// What the TLS layer said about the latest connection: gRPC itself only reports that there is none.
    private final class Outcome: Sendable {
        private let state = Mutex<(peer: NodeID?, refusal: LinkError?, error: (any Error)?)>((nil, nil, nil))

        func verified(_ result: Result<NodeID, LinkError>) {
            state.withLock { state in
                switch result {
                case .success(let id): state = (id, nil, nil)
                case .failure(let error): state.refusal = error
                }
            }
        }

        func failed(_ error: any Error) {
            state.withLock { state in
                if state.error == nil { state.error = error }
            }
        }

        var peer: NodeID? { state.withLock { $0.peer } }
        var refusal: LinkError? { state.withLock { $0.refusal } }
        var error: (any Error)? { state.withLock { $0.error } }
    }

    private let target: Target
    private let credentials: CurrentCredentials?
    private let expected: NodeID?
    private let limits: LinkLimits
    private let loop: LinkLoop?
    private let outcome = Outcome()

    init(_ target: Target, credentials: CurrentCredentials?, expected: NodeID?, limits: LinkLimits, loop: LinkLoop?) {
        self.target = target
        self.credentials = credentials
        self.expected = expected
        self.limits = limits
        self.loop = loop
    }

    /// - Throws: `LinkError`; nothing is left behind then.
    func run(timeout: Duration) async throws(LinkError) -> LinkChannel {
        let client: GRPCClient<LinkChannel.Transport>
        do {
            client = GRPCClient(transport: try makeTransport())
        } catch {
            throw LinkError(.badAddress, "\(place) cannot be called", cause: error)
        }
        // Owned by the channel, which cancels it when it goes.
        let runner = Task<Void, Never>(executorPreference: loop) { try? await client.runConnections() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await LinkHello.call(client) }
                group.addTask {
                    try await Task.sleep(for: timeout)
                    throw LinkError(.timedOut, "\(place) did not answer within \(timeout)")
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            runner.cancel()
            throw explain(error)
        }
        guard case .address(let address) = target, let credentials else {
            return LinkChannel(client: client, peer: nil, address: nil, shards: nil, runner: runner)
        }
        let shards = ShardConnections(
            address: address, credentials: credentials, expected: outcome.peer ?? expected,
            group: LinkLoop.group(of: loop))
        return LinkChannel(client: client, peer: outcome.peer, address: address, shards: shards, runner: runner)
    }

    private var place: String {
        switch target {
        case .address(let address): address.description
        case .socket(let path): path
        }
    }

    private func makeTransport() throws -> LinkChannel.Transport {
        var configuration = limits.clientConfiguration
        let outcome = outcome
        configuration.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                // gRPC's own handlers keep errors to themselves: the witness has to stand before them.
                let witness = ErrorWitness { outcome.failed($0) }
                if let tls = try? pipeline.handler(type: NIOSSLClientHandler.self) {
                    try pipeline.addHandler(ReadSlicer(), position: .after(tls))
                    try pipeline.addHandler(witness, position: .after(tls))
                } else {
                    try pipeline.addHandler(ReadSlicer(), position: .first)
                    try pipeline.addHandler(witness, position: .first)
                }
            }
        }
        let resolvable: any ResolvableTarget
        switch target {
        case .socket(let path):
            resolvable = .unixDomainSocket(path: path, authority: "localhost")
        case .address(let address):
            switch address.family {
            case .ipv4: resolvable = .ipv4(address: address.host, port: address.port)
            case .ipv6: resolvable = .ipv6(address: address.host, port: address.port)
            case .name: resolvable = .dns(host: address.host, port: address.port)
            }
        }
        let security: LinkChannel.Transport.TransportSecurity
        if let credentials {
            security = try LinkSecurity(credentials: credentials).client(expecting: expected) { outcome.verified($0) }
        } else {
            security = .plaintext
        }
        return try LinkChannel.Transport(
            target: resolvable, transportSecurity: security, config: configuration,
            serviceConfig: limits.serviceConfiguration, eventLoopGroup: LinkLoop.group(of: loop))
    }

    private func explain(_ error: any Error) -> LinkError {
        if let error = error as? LinkError { return outcome.refusal ?? error }
        if let refusal = outcome.refusal { return refusal }
        if error is CancellationError || Task.isCancelled {
            return LinkError(.timedOut, "the call to \(place) was given up")
        }
        if outcome.peer != nil, credentials?.value.swarm == nil, credentials != nil {
            return refusalOfWorker(error)
        }
        if let failure = outcome.error as? BoringSSLError, outcome.peer != nil {
            // This side was content; the alert says that the other one was not.
            var error = LinkError(
                .notAMember, "\(place) refused this node: it is in another swarm, or the clocks differ", cause: failure)
            error.found = outcome.peer
            return error
        }
        if outcome.peer != nil, outcome.error != nil || isPrefaceFailure(error) {
            return LinkError(
                .notAMember, "\(place) hung up on this node: it is in another swarm", cause: outcome.error ?? error)
        }
        return LinkError(
            .unreachable, "nothing answers at \(place): is the node running, and the port open?",
            cause: outcome.error ?? error)
    }

    /// Why a master that has proven itself does not take this worker.
    private func refusalOfWorker(_ error: any Error) -> LinkError {
        if let failure = outcome.error as? BoringSSLError {
            return LinkError(
                .unknownToken,
                "the master at \(place) refused this worker: it does not know the cluster token, or the clocks differ",
                cause: failure)
        }
        return LinkError(.unreachable, "the master at \(place) hung up on this worker", cause: outcome.error ?? error)
    }

    private func isPrefaceFailure(_ error: any Error) -> Bool {
        (error as? RPCError)?.code == .unavailable
    }
}

/// Sees the errors of a connection on their way through its pipeline.
private final class ErrorWitness: ChannelInboundHandler {
    typealias InboundIn = Any

    private let witness: @Sendable (any Error) -> Void

    init(_ witness: @escaping @Sendable (any Error) -> Void) {
        self.witness = witness
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        witness(error)
        context.fireErrorCaught(error)
    }
}
