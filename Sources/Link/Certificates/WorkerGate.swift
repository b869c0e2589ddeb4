import NIOCore
import NIOSSL
import Synchronization

/// Lets workers through a listener's handshake, and cuts them off.
///
/// A node that is no master of a cluster has none, and its listener takes members of the swarm alone.
package final class WorkerGate: Sendable {
    /// What a cluster token is worth.
    package enum Standing: Sendable {
        case active
        /// Its holder gets through to be told so, and has to go then.
        case revoked
        case unknown
    }

    private struct Connection {
        let channel: any Channel
        let token: ClusterTokenKey
        /// It is to end as soon as its holder has been told why.
        var isLeaving = false
    }

    /// How long the holder of a revoked token may stay to hear of it.
    private static let farewell = TimeAmount.seconds(5)

    private let standings: @Sendable (ClusterTokenKey) -> Standing
    private let open = Mutex<[ObjectIdentifier: Connection]>([:])

    /// - Parameter standing: asked in every handshake of a worker, on its event loop: must not block.
    package init(standing: @escaping @Sendable (ClusterTokenKey) -> Standing) {
        standings = standing
    }

    func standing(_ token: ClusterTokenKey) -> Standing { standings(token) }

    /// Ends every connection that was made with a token, after the time that it takes to say why.
    package func disconnect(_ token: ClusterTokenKey) {
        let channels = open.withLock { open in
            open.filter { $0.value.token == token }.map { id, connection in
                open[id]?.isLeaving = true
                return connection.channel
            }
        }
        for channel in channels { Self.close(channel) }
    }

    /// Notes whose connection this is, once its handshake has ended.
    ///
    /// - Parameter limit: connections that workers may have together, so that there is room for the swarm's.
    func entered(_ channel: any Channel, limit: Int) {
        guard let certificate = try? channel.pipeline.syncOperations.nioSSL_peerCertificate(),
            let bytes = try? certificate.toDERBytes(),
            case .worker(_, let token)? = try? NodeCertificate(derBytes: bytes).proof.claimed
        else { return }
        let hasRoom = open.withLock { open in
            open[ObjectIdentifier(channel)] = Connection(channel: channel, token: token)
            return open.count <= limit
        }
        channel.closeFuture.whenComplete { _ in
            _ = self.open.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        guard hasRoom else {
            channel.close(promise: nil)
            return
        }
        // Asked again after it was noted: whoever revokes the token meanwhile finds the connection, or it finds that.
        guard standing(token) != .active else { return }
        // The places are for others: few may stay to hear of it, and the rest has to call again for that.
        let mayStay = open.withLock { open in
            let others = open.values.count { $0.isLeaving }
            open[ObjectIdentifier(channel)]?.isLeaving = true
            return others < max(1, limit / 8)
        }
        if mayStay { Self.close(channel) } else { channel.close(promise: nil) }
    }

    private static func close(_ channel: any Channel) {
        channel.eventLoop.scheduleTask(in: farewell) { channel.close(promise: nil) }
    }
}
