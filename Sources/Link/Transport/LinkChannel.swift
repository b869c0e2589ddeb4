package import GRPCCore
package import GRPCNIOTransportHTTP2
package import Identifiers
import NIOCore
import Synchronization

/// A connection to another node, or to a process of this machine, that gRPC clients can be wrapped around.
///
/// It is proven to stand when `connect` returns. When it breaks it is made again in the background, to the same address and
/// under the same proof; calls fail with `unavailable` meanwhile. It is closed when the last reference goes.
package final class LinkChannel: Sendable {
    package typealias Transport = HTTP2ClientTransport.Posix

    package let client: GRPCClient<Transport>
    /// Whom the other side proved to be; `nil` for a Unix socket.
    package let peer: NodeID?
    /// The address that answered; `nil` for a Unix socket.
    package let address: LinkAddress?
    /// What bytes of shards are asked for over; `nil` for a Unix socket.
    let shards: ShardConnections?
    private let runner: Task<Void, Never>

    init(
        client: GRPCClient<Transport>, peer: NodeID?, address: LinkAddress?, shards: ShardConnections?,
        runner: Task<Void, Never>
    ) {
        self.client = client
        self.peer = peer
        self.address = address
        self.shards = shards
        self.runner = runner
    }

    deinit {
        runner.cancel()
    }

    /// The swarm's own service.
    package var node: Shoal_V1_Node.Client<Transport> { .init(wrapping: client) }
    /// What the master of a cluster serves to its workers.
    package var cluster: Shoal_V1_Cluster.Client<Transport> { .init(wrapping: client) }
    /// The services of an engine process.
    package var segment: Shoal_V1_Segment.Client<Transport> { .init(wrapping: client) }
    package var engine: Shoal_V1_EngineControl.Client<Transport> { .init(wrapping: client) }
    package var preparation: Shoal_V1_Preparation.Client<Transport> { .init(wrapping: client) }

    /// Makes a short call that goes on when the caller is cancelled.
    ///
    /// A cancelled call resets its stream, and a server closes a connection on which too many streams are reset (NIOHTTP2: 200 in 30
    /// seconds), with all that others do on it.
    package static func uncancelled<Answer: Sendable>(
        _ call: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        try await Task { try await call() }.value
    }

    /// No new calls; those that run may end.
    package func close() {
        client.beginGracefulShutdown()
        shards?.close()
    }

    /// Ends the connection and every call on it.
    package func abort() {
        runner.cancel()
        shards?.abort()
    }

    /// Calls `endpoint`. Candidate addresses are tried in order, each a little after the one before; the first that
    /// answers and proves to be the right node wins.
    ///
    /// - Parameters:
    ///   - credentials: needed unless the endpoint is a Unix socket.
    ///   - timeout: for all of it.
    ///   - loop: does the channel's work; `nil` for threads that are shared.
    /// - Throws: `LinkError` with `notAMember`, `wrongNode`, `unreachable`, `timedOut` or `badAddress`.
    package static func connect(
        to endpoint: LinkEndpoint, credentials: CurrentCredentials? = nil, limits: LinkLimits = LinkLimits(),
        timeout: Duration = .seconds(5), loop: LinkLoop? = nil
    ) async throws(LinkError) -> LinkChannel {
        switch endpoint {
        case .socket(let path):
            guard path.utf8.count <= SocketFile.maximumPathBytes else {
                throw LinkError(
                    .badAddress, "the socket path \(path) is longer than \(SocketFile.maximumPathBytes) bytes")
            }
            return try await LinkDial(.socket(path: path), credentials: nil, expected: nil, limits: limits, loop: loop)
                .run(timeout: timeout)
        case .node(let id, let addresses):
            guard let credentials else { throw LinkError(.badCertificate, "a call to another node needs credentials") }
            guard !addresses.isEmpty else {
                throw LinkError(.unreachable, "no address of node \(id?.short ?? "") is known")
            }
            let dials = addresses.prefix(16).map {
                LinkDial(.address($0), credentials: credentials, expected: id, limits: limits, loop: loop)
            }
            return try await first(of: dials, timeout: timeout)
        }
    }

    /// The lead that each candidate has over the next one.
    private static let stagger: Duration = .milliseconds(250)

    /// Starts each dial when the one before it has failed, or has taken longer than its lead.
    private static func first(of dials: [LinkDial], timeout: Duration) async throws(LinkError) -> LinkChannel {
        if dials.count == 1 { return try await dials[0].run(timeout: timeout) }
        enum Step: Sendable {
            case ended(Result<LinkChannel, LinkError>)
            case leadOver(Int)
        }
        let winner: Result<LinkChannel, LinkError> = await withTaskGroup(of: Step.self) { group in
            var started = 0
            func startNext() {
                guard started < dials.count else { return }
                let index = started
                started += 1
                group.addTask {
                    do throws(LinkError) {
                        return .ended(.success(try await dials[index].run(timeout: timeout)))
                    } catch {
                        return .ended(.failure(error))
                    }
                }
                group.addTask {
                    try? await Task.sleep(for: stagger)
                    return .leadOver(index)
                }
            }
            startNext()
            var failures: [LinkError] = []
            while failures.count < dials.count, let step = await group.next() {
                switch step {
                case .ended(.success(let channel)):
                    group.cancelAll()
                    return .success(channel)
                case .ended(.failure(let error)):
                    failures.append(error)
                    startNext()
                case .leadOver(let index):
                    if index == started - 1 { startNext() }
                }
            }
            group.cancelAll()
            // A node that answered and was refused says more than addresses at which nothing is.
            let telling = failures.first {
                $0.code == .wrongNode || $0.code == .notAMember || $0.code == .badCertificate
            }
            return .failure(telling ?? failures.first ?? LinkError(.unreachable, "no address to call"))
        }
        return try winner.get()
    }
}
