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
    /// Those that nobody uses; the number tells one keeping from the next.
    private let idle = Mutex<(list: [(connection: ShardConnection, number: Int)], numbers: Int, isClosed: Bool)>(
        ([], 0, false))

    /// - Parameter expected: whom the other side has to prove to be; any member of the swarm when that is `nil`.
    init(address: LinkAddress, credentials: CurrentCredentials, expected: NodeID?, group: MultiThreadedEventLoopGroup) {
        self.address = address
        security = LinkSecurity(credentials: credentials)
        self.expected = expected
        self.group = group
    }

    deinit { close() }

    /// A connection that nobody else uses.
    ///
    /// - Throws: `LinkError`.
    func take() async throws(LinkError) -> ShardConnection {
        let kept = idle.withLock { idle in
            while let (connection, _) = idle.list.popLast() {
                if connection.isReady { return connection as ShardConnection? }
                connection.close()
            }
            return nil
        }
        if let kept { return kept }
        return try await dial()
    }

    /// Keeps a connection for who asks next, or closes it when an answer is still under way.
    func giveBack(_ connection: ShardConnection) {
        let number = idle.withLock { idle -> Int? in
            guard connection.isReady, !idle.isClosed, idle.list.count < Self.maximumIdle else { return nil }
            idle.numbers += 1
            idle.list.append((connection, idle.numbers))
            return idle.numbers
        }
        guard let number else { return connection.close() }
        group.next().scheduleTask(in: Self.patience) { [weak self] in self?.drop(number) }
    }

    /// Closes what nobody uses; what is given back later is closed then.
    func close() {
        let rest = idle.withLock { idle in
            defer { idle = ([], idle.numbers, true) }
            return idle.list
        }
        for (connection, _) in rest { connection.close() }
    }

    private func drop(_ number: Int) {
        let connection = idle.withLock { idle in
            idle.list.firstIndex { $0.number == number }.map { idle.list.remove(at: $0).connection }
        }
        connection?.close()
    }

    private func dial() async throws(LinkError) -> ShardConnection {
        let refusal = Mutex<LinkError?>(nil)
        do {
            let loop = group.next()
            let proven = loop.makePromise(of: Void.self)
            let tls = try security.shardClient()
            let verify = security.verification(expecting: expected) { outcome in
                if case .failure(let error) = outcome { refusal.withLock { $0 = error } }
            }
            let dialled = ClientBootstrap(group: loop)
                .connectTimeout(Self.timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            NIOSSLClientHandler(
                                context: tls, serverHostname: nil, customVerificationCallbackWithMetadata: verify))
                        try pipeline.addHandler(ShardReceiver(proven: proven))
                    }
                }
                .connect(host: address.host, port: address.port)
            let connection = dialled.flatMap { channel in
                let late = channel.eventLoop.scheduleTask(in: Self.timeout) { channel.close(promise: nil) }
                return proven.futureResult.flatMapThrowing {
                    late.cancel()
                    let receiver = try channel.pipeline.syncOperations.handler(type: ShardReceiver.self)
                    return ShardConnection(
                        channel: channel, receiver: NIOLoopBound(receiver, eventLoop: channel.eventLoop))
                }
            }
            dialled.whenFailure { proven.fail($0) }
            return try await connection.get()
        } catch {
            if let refusal = refusal.withLock({ $0 }) { throw refusal }
            throw LinkError(.unreachable, "\(address) cannot be reached for shards", cause: error)
        }
    }
}
