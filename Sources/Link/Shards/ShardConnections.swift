import Identifiers
import NIOCertificateReloading
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The connections to one node over which bytes of shards are asked for: made when they are needed, and kept for a while.
final class ShardConnections: Sendable {
    /// How long a connection is kept that nobody uses. The other side keeps it for longer.
    private static let patience = TimeAmount.seconds(20)
    private static let timeout = TimeAmount.seconds(5)
    private static let maximumIdle = 8

    private let address: LinkAddress
    private let security: LinkSecurity
    private let expected: NodeID?
    private let group: MultiThreadedEventLoopGroup
    private let state = Mutex(State())

    private struct State {
        /// Those that nobody uses; the number tells one keeping from the next.
        var idle: [(connection: ShardConnection, number: Int)] = []
        var inUse: [ObjectIdentifier: ShardConnection] = [:]
        var numbers = 0
        var isClosed = false
    }

    /// - Parameter expected: whom the other side has to prove to be; any member of the swarm when that is `nil`.
    init(address: LinkAddress, credentials: CurrentCredentials, expected: NodeID?, group: MultiThreadedEventLoopGroup) {
        self.address = address
        security = LinkSecurity(credentials: credentials)
        self.expected = expected
        self.group = group
    }

    deinit { close() }

    /// A connection that nobody else uses, until it is given back.
    ///
    /// - Throws: `LinkError`.
    func take() async throws(LinkError) -> ShardConnection {
        let kept = state.withLock { state -> ShardConnection? in
            while let (connection, _) = state.idle.popLast() {
                guard connection.isReady else {
                    connection.close()
                    continue
                }
                state.inUse[ObjectIdentifier(connection)] = connection
                return connection
            }
            return nil
        }
        if let kept { return kept }
        let connection = try await dial()
        let isClosed = state.withLock { state in
            if !state.isClosed { state.inUse[ObjectIdentifier(connection)] = connection }
            return state.isClosed
        }
        guard !isClosed else {
            connection.close()
            throw LinkError(.unreachable, "the connection to \(address) was closed")
        }
        return connection
    }

    /// Keeps a connection for who asks next, or closes it when an answer is still under way.
    func giveBack(_ connection: ShardConnection) {
        let number = state.withLock { state -> Int? in
            state.inUse[ObjectIdentifier(connection)] = nil
            guard connection.isReady, !state.isClosed, state.idle.count < Self.maximumIdle else { return nil }
            state.numbers += 1
            state.idle.append((connection, state.numbers))
            return state.numbers
        }
        guard let number else { return connection.close() }
        group.next().scheduleTask(in: Self.patience) { [weak self] in self?.drop(number) }
    }

    /// Closes what nobody uses; what is given back later is closed then.
    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for (connection, _) in rest { connection.close() }
    }

    /// Closes everything.
    func abort() {
        close()
        for connection in state.withLock({ Array($0.inUse.values) }) { connection.close() }
    }

    private func drop(_ number: Int) {
        let connection = state.withLock { state in
            state.idle.firstIndex { $0.number == number }.map { state.idle.remove(at: $0).connection }
        }
        connection?.close()
    }

    private func dial() async throws(LinkError) -> ShardConnection {
        let refusal = Mutex<LinkError?>(nil)
        do {
            let tls = try security.shardClient()
            let verify = security.verification(expecting: expected) { outcome in
                if case .failure(let error) = outcome { refusal.withLock { $0 = error } }
            }
            // A name may stand for several addresses, each of which is tried with a channel of its own.
            let dialled = ClientBootstrap(group: group)
                .connectTimeout(Self.timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            NIOSSLClientHandler(
                                context: tls, serverHostname: nil, customVerificationCallbackWithMetadata: verify))
                        try pipeline.addHandler(ShardReceiver(on: channel.eventLoop))
                    }
                }
                .connect(host: address.host, port: address.port)
            let connection = dialled.flatMap { channel -> EventLoopFuture<ShardConnection> in
                do {
                    let receiver = try channel.pipeline.syncOperations.handler(type: ShardReceiver.self)
                    let connection = ShardConnection(channel: channel, receiver: receiver)
                    let bound = NIOLoopBound(receiver, eventLoop: channel.eventLoop)
                    let late = channel.eventLoop.scheduleTask(in: Self.timeout) {
                        bound.value.giveUp()
                        channel.close(promise: nil)
                    }
                    return receiver.proven.map {
                        late.cancel()
                        return connection
                    }
                } catch {
                    return channel.eventLoop.makeFailedFuture(error)
                }
            }
            return try await connection.get()
        } catch {
            if let refusal = refusal.withLock({ $0 }) { throw refusal }
            throw LinkError(.unreachable, "\(address) cannot be reached for shards", cause: error)
        }
    }
}
