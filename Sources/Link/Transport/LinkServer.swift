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

    private let network: GRPCServer<Transport>?
    private let networkAddress: LinkAddress?
    private let socket: GRPCServer<Transport>?
    private let socketPath: String?
    private let gracePeriod: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - network: the address to listen on; port 0 takes a free one. `nil` for none. The host is an IP address or `localhost`.
    ///   - socketPath: the Unix socket to listen on, `nil` for none. Its folder is made (mode 0700) when it does not exist, and must
    ///     belong to this user alone.
    ///   - credentials: needed with `network`.
    package init(
        network: LinkAddress? = nil, socketPath: String? = nil, credentials: CurrentCredentials? = nil,
        services: [any RegistrableRPCService], limits: LinkLimits = LinkLimits(), gracePeriod: Duration = .seconds(3),
        logger: Logger
    ) throws(LinkError) {
        let services = services + [LinkHello()]
        self.gracePeriod = gracePeriod
        self.logger = logger
        self.networkAddress = network
        self.socketPath = socketPath
        if let network {
            guard let credentials else {
                throw LinkError(.badCertificate, "a network listener needs credentials")
            }
            let transport = try Self.makeNetworkTransport(
                network, credentials: credentials, limits: limits, logger: logger)
            self.network = GRPCServer(transport: transport, services: services, interceptors: [ProvenPeersOnly()])
        } else {
            self.network = nil
        }
        if let socketPath {
            try SocketFile(path: socketPath).prepareFolder()
            var configuration = limits.serverConfiguration
            configuration.channelDebuggingCallbacks.onBindTCPListener = { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptErrorGuard(logger: logger))
                }
            }
            let transport = Transport(
                address: .unixDomainSocket(path: socketPath), transportSecurity: .plaintext, config: configuration)
            self.socket = GRPCServer(transport: transport, services: services)
        } else {
            self.socket = nil
        }
    }

    /// The TCP port that is listened on, as soon as it is.
    ///
    /// - Throws: `LinkError` with `notListening` when there is no network listener or it could not start.
    package var port: Int {
        get async throws(LinkError) {
            guard let network else { throw LinkError(.notListening, "there is no network listener") }
            let address = try? await network.listeningAddress
            guard let port = address?.ipv4?.port ?? address?.ipv6?.port else {
                throw LinkError(
                    .notListening, "the listener on \(networkAddress?.description ?? "the network") did not start")
            }
            return port
        }
    }

    /// Returns as soon as every listener accepts connections.
    package func waitUntilListening() async throws(LinkError) {
        if network != nil { _ = try await port }
        if let socket, let socketPath {
            guard (try? await socket.listeningAddress) != nil else {
                throw LinkError(.notListening, "the listener on \(socketPath) did not start")
            }
            try SocketFile(path: socketPath).restrict()
        }
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: `LinkError` with `addressInUse` or `badAddress` when an address cannot be listened on.
    package func run() async throws {
        let servers = [network, socket].compactMap { $0 }
        defer { if let socketPath { SocketFile(path: socketPath).remove() } }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for (index, server) in servers.enumerated() {
                group.addTask {
                    do {
                        try await server.serve()
                    } catch {
                        guard !Task.isCancelled else { return true }
                        throw self.bindError(error, isNetwork: index == 0 && self.network != nil)
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
                try await gracefulShutdown()
                for server in servers { server.beginGracefulShutdown() }
                try await Task.sleep(for: self.gracePeriod)
                throw CancellationError()
            }
            var remaining = servers.count
            do {
                while remaining > 0, let ended = try await group.next() {
                    if ended { remaining -= 1 }
                }
            } catch is CancellationError {
                logger.debug("cutting off the streams that still run")
            }
            group.cancelAll()
        }
    }

    private static func makeNetworkTransport(
        _ address: LinkAddress, credentials: CurrentCredentials, limits: LinkLimits, logger: Logger
    ) throws(LinkError) -> Transport {
        let ledger = ConnectionLedger(limits: limits, logger: logger)
        var configuration = limits.serverConfiguration
        configuration.channelDebuggingCallbacks.onBindTCPListener = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(AcceptErrorGuard(logger: logger))
            }
        }
        configuration.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                let tls = try pipeline.handler(type: NIOSSLServerHandler.self)
                try pipeline.addHandler(
                    HandshakeGuard(ledger: ledger, timeout: limits.handshakeTimeout), position: .after(tls))
            }
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
            let security = try LinkSecurity(credentials: credentials).server { ledger.refused($0, on: $1) }
            return Transport(address: socketAddress, transportSecurity: security, config: configuration)
        } catch {
            throw LinkError(.badCertificate, "the listener's credentials cannot be used", cause: error)
        }
    }

    private func bindError(_ error: any Error, isNetwork: Bool) -> LinkError {
        let place = isNetwork ? networkAddress?.description ?? "the network" : socketPath ?? "the socket"
        let cause = (error as? RuntimeError)?.cause ?? error
        if let failure = cause as? IOError, failure.errnoCode == SocketFile.addressInUse {
            return LinkError(
                .addressInUse, "\(place) is in use by another program: stop it or choose another port", cause: cause)
        }
        return LinkError(.badAddress, "cannot listen on \(place)", cause: cause)
    }
}
