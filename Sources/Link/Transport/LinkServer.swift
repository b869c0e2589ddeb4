package import GRPCCore
import GRPCNIOTransportHTTP2
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// Serves gRPC services to the swarm over mutual TLS, to this machine over a Unix socket, or both.
///
/// A handler asks `context.peer` who calls. Serving ends on graceful shutdown, streams that still run being cut off after
/// `gracePeriod`, or when the task is cancelled.
package final class LinkServer: Service {
    private typealias Transport = HTTP2ServerTransport.Posix

    /// One address that is listened on.
    private struct Listener: Sendable {
        let server: GRPCServer<Transport>
        let ledger: ConnectionLedger
        let place: String
    }

    private let network: Listener?
    private let socket: Listener?
    private let socketPath: String?
    private let gracePeriod: Duration
    private let loop: LinkLoop?
    private let logger: Logger

    /// How long handlers may take to end once their connection is gone.
    private static let farewell: Duration = .seconds(2)

    /// - Parameters:
    ///   - network: the address to listen on; port 0 takes a free one. `nil` for none. The host is an IP address or `localhost`.
    ///   - socketPath: the Unix socket to listen on, `nil` for none. Its folder is made (mode 0700) when it does not exist, and must
    ///     belong to this user alone.
    ///   - credentials: needed with `network`.
    ///   - shards: sends bytes of shards over the network; `nil` for a process that has none.
    ///   - workers: lets workers of a cluster in over the network; `nil` lets in members of the swarm alone.
    ///   - loop: does the work of all connections and runs the handlers; `nil` for threads that are shared.
    package init(
        network: LinkAddress? = nil, socketPath: String? = nil, credentials: CurrentCredentials? = nil,
        services: [any RegistrableRPCService], shards: LinkShards? = nil, workers: WorkerGate? = nil,
        limits: LinkLimits = LinkLimits(), gracePeriod: Duration = .seconds(3), loop: LinkLoop? = nil, logger: Logger
    ) throws(LinkError) {
        let services = services + [LinkHello()]
        self.gracePeriod = gracePeriod
        self.loop = loop
        self.logger = logger
        self.socketPath = socketPath
        if let network {
            guard let credentials else {
                throw LinkError(.badCertificate, "a network listener needs credentials")
            }
            self.network = try Self.listen(
                network, credentials: credentials, services: services, shards: shards, workers: workers, limits: limits,
                loop: loop, logger: logger)
        } else {
            self.network = nil
        }
        self.socket =
            if let socketPath {
                try Self.listen(
                    socketPath: socketPath, services: services, limits: limits, loop: loop, logger: logger)
            } else { nil }
    }

    /// The TCP port that is listened on, as soon as it is.
    ///
    /// - Throws: `LinkError` with `notListening` when there is no network listener or it could not start.
    package var port: Int {
        get async throws(LinkError) {
            guard let network else { throw LinkError(.notListening, "there is no network listener") }
            let address = try? await network.server.listeningAddress
            guard let port = address?.ipv4?.port ?? address?.ipv6?.port else {
                throw LinkError(
                    .notListening, "the listener on \(network.place) did not start")
            }
            return port
        }
    }

    /// Returns as soon as every listener accepts connections.
    package func waitUntilListening() async throws(LinkError) {
        if network != nil { _ = try await port }
        if let socket, let socketPath {
            guard (try? await socket.server.listeningAddress) != nil else {
                throw LinkError(.notListening, "the listener on \(socketPath) did not start")
            }
            try SocketFile(path: socketPath).restrict()
        }
    }

    /// Ends every connection over the network, whoever has made it; with credentials that are good now, they come back.
    package func disconnectEverybody() { network?.ledger.disconnect() }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: `LinkError` with `addressInUse` or `badAddress` when an address cannot be listened on.
    package func run() async throws {
        let listeners = [network, socket].compactMap { $0 }
        defer { if let socketPath { SocketFile(path: socketPath).remove() } }
        // Not children of this task: its cancellation must reach them through `cutOff` alone.
        let serving = listeners.map { listener in
            Task(executorPreference: loop) { try await listener.server.serve() }
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for (listener, task) in zip(listeners, serving) {
                group.addTask {
                    do {
                        try await task.value
                    } catch {
                        if !listener.ledger.isStopping { throw self.failure(of: listener, error) }
                    }
                    return true
                }
            }
            if socket != nil {
                group.addTask {
                    try await self.waitUntilListening()
                    return false
                }
            }
            group.addTask {
                if (try? await gracefulShutdown()) != nil {
                    for listener in listeners { listener.server.beginGracefulShutdown() }
                    try? await Task.sleep(for: self.gracePeriod)
                }
                await self.cutOff(listeners, serving)
                return false
            }
            defer { group.cancelAll() }
            var remaining = serving.count
            while remaining > 0, let ended = try await group.next() {
                if ended { remaining -= 1 }
            }
        }
    }

    /// Ends every connection, then what still runs behind them.
    private func cutOff(_ listeners: [Listener], _ serving: [Task<Void, any Error>]) async {
        for listener in listeners { listener.ledger.stop() }
        let reaper = Task {
            try await Task.sleep(for: Self.farewell)
            for task in serving { task.cancel() }
        }
        for task in serving { _ = await task.result }
        for listener in listeners { await listener.ledger.answersEnded() }
        reaper.cancel()
    }

    private static func listen(
        socketPath: String, services: [any RegistrableRPCService], limits: LinkLimits, loop: LinkLoop?, logger: Logger
    ) throws(LinkError) -> Listener {
        try SocketFile(path: socketPath).prepareFolder()
        let ledger = ConnectionLedger(limits: limits, workers: nil, logger: logger)
        let transport = Transport(
            address: .unixDomainSocket(path: socketPath), transportSecurity: .plaintext,
            config: configuration(limits, ledger: ledger, logger: logger) { channel in
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(ReadSlicer(), position: .first)
                try pipeline.addHandler(HandshakeGuard(ledger: ledger, timeout: nil), position: .first)
            }, eventLoopGroup: LinkLoop.group(of: loop))
        return Listener(server: GRPCServer(transport: transport, services: services), ledger: ledger, place: socketPath)
    }

    private static func configuration(
        _ limits: LinkLimits, ledger: ConnectionLedger, logger: Logger,
        accept: @escaping @Sendable (any Channel) throws -> Void
    ) -> Transport.Config {
        var configuration = limits.serverConfiguration
        configuration.channelDebuggingCallbacks.onBindTCPListener = { channel in
            ledger.listens(on: channel)
            return channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(AcceptErrorGuard(logger: logger))
            }
        }
        configuration.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
            channel.eventLoop.makeCompletedFuture { try accept(channel) }
        }
        return configuration
    }

    private static func listen(
        _ address: LinkAddress, credentials: CurrentCredentials, services: [any RegistrableRPCService],
        shards: LinkShards?, workers: WorkerGate?, limits: LinkLimits, loop: LinkLoop?, logger: Logger
    ) throws(LinkError) -> Listener {
        let ledger = ConnectionLedger(limits: limits, workers: workers, logger: logger)
        let configuration = configuration(limits, ledger: ledger, logger: logger) { channel in
            let pipeline = channel.pipeline.syncOperations
            let tls = try pipeline.handler(type: NIOSSLServerHandler.self)
            try pipeline.addHandler(ReadSlicer(), position: .after(tls))
            try pipeline.addHandler(ShardGate(shards: shards, ledger: ledger), position: .after(tls))
            let lingering = LingeringClose()
            try pipeline.addHandler(
                HandshakeGuard(ledger: ledger, timeout: limits.handshakeTimeout, lingering: lingering),
                position: .after(tls))
            try pipeline.addHandler(lingering, position: .before(tls))
        }
        let socketAddress: GRPCNIOTransportHTTP2.SocketAddress
        switch (address.family, address.host) {
        case (.ipv4, _): socketAddress = .ipv4(host: address.host, port: address.port)
        case (.ipv6, _): socketAddress = .ipv6(host: address.host, port: address.port)
        case (.name, "localhost"): socketAddress = .ipv4(host: "127.0.0.1", port: address.port)
        case (.name, _):
            throw LinkError(
                .badAddress,
                "\(address.host) is not an address to listen on: give an IP address of this machine or 0.0.0.0")
        }
        do {
            let security = try LinkSecurity(credentials: credentials).server(workers: workers) {
                ledger.refused($0, on: $1)
            }
            let transport = Transport(
                address: socketAddress, transportSecurity: security, config: configuration,
                eventLoopGroup: LinkLoop.group(of: loop))
            let server = GRPCServer(transport: transport, services: services, interceptors: [ProvenPeersOnly()])
            return Listener(server: server, ledger: ledger, place: address.description)
        } catch {
            throw LinkError(.badCertificate, "the listener's credentials cannot be used", cause: error)
        }
    }

    private func failure(of listener: Listener, _ error: any Error) -> LinkError {
        let cause = (error as? RuntimeError)?.cause ?? error
        if let failure = cause as? IOError, failure.errnoCode == SocketFile.addressInUse {
            return LinkError(
                .addressInUse, "\(listener.place) is in use by another program: stop it or choose another port",
                cause: cause)
        }
        return LinkError(.badAddress, "cannot listen on \(listener.place)", cause: cause)
    }
}
