import GRPCCore
package import Link
package import Logging
import ServiceLifecycle
import Synchronization
package import Timing

/// A worker: calls the master of its cluster, and does the jobs that it is offered, for as long as it runs.
package final class ClusterWorker: Service {
    /// How long one call may take.
    private static let dialTimeout: Duration = .seconds(10)
    /// Between calls of a master that does not answer.
    package static let backOff = BackOff(first: .milliseconds(500), longest: .seconds(30), spread: 0.5...1.5)
    /// A stay that was this long makes the pauses short again.
    private static let longStay: Duration = .seconds(30)

    let operations: WorkerOperations
    let clock: NodeClock
    let logger: Logger
    private let master: LinkAddress
    private let token: ClusterToken
    private let identity: NodeIdentity
    /// Made anew for each call: a certificate is good for a year, and a worker may run for longer.
    let credentials: CurrentCredentials
    private let onJoined: @Sendable (LinkAddress, Hostname) -> Void
    private let backOff: BackOff
    /// The master has taken the worker before, so that it knows the token.
    private let hasJoined = Mutex(false)

    /// - Parameters:
    ///   - master: where the master is called.
    ///   - onJoined: told each time that the master has taken the worker.
    /// - Throws: `LinkError` with `badCertificate`.
    package init(
        master: LinkAddress, token: ClusterToken, identity: NodeIdentity, operations: WorkerOperations,
        backOff: BackOff = ClusterWorker.backOff, clock: NodeClock = .system, logger: Logger,
        onJoined: @escaping @Sendable (LinkAddress, Hostname) -> Void
    ) throws {
        self.master = master
        self.token = token
        self.identity = identity
        self.operations = operations
        self.backOff = backOff
        self.clock = clock
        self.logger = logger
        self.onJoined = onJoined
        credentials = try CurrentCredentials(LinkCredentials(identity: identity, token: token))
    }

    /// Works until graceful shutdown.
    ///
    /// - Throws: `ClusterError` with `refused` when the master does not take this worker and never will.
    package func run() async throws {
        var failures = 0
        var random = SystemRandomNumberGenerator()
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            let began = clock.now()
            do {
                try await attend()
                return
            } catch let error as ClusterError {
                throw error
            } catch is CancellationError {
                return
            } catch {
                if clock.now() - began >= Self.longStay { failures = 0 }
                failures += 1
                let pause = backOff.pause(afterFailures: failures, using: &random)
                logger.notice(
                    "not in the cluster; the master is called again",
                    metadata: [
                        "master": "\(master)", "seconds": "\(pause / .seconds(1))", "reason": "\(Self.reason(error))",
                    ])
                try? await cancelWhenGracefulShutdown { [clock] in try await clock.sleep(pause) }
            }
        }
    }

    /// Calls the master and stays until the stream with it ends, or graceful shutdown has let the jobs end.
    ///
    /// - Throws: `ClusterError` when the master refuses the worker for good; anything else is worth another try.
    private func attend() async throws {
        let channel: LinkChannel
        try credentials.replace(with: LinkCredentials(identity: identity, token: token))
        do throws(LinkError) {
            channel = try await LinkChannel.connect(
                to: .node(token.master, addresses: [master]), credentials: credentials, limits: .betweenNodes,
                timeout: Self.dialTimeout)
        } catch {
            switch error.code {
            // A master that knew the token refuses it when its clock is wrong or its database is not the one that it was: that may pass.
            case .unknownToken where !hasJoined.withLock { $0 }:
                throw ClusterError(
                    .refused,
                    "\(error.message); make a token on the master with “shoal cluster token add NAME” and start the worker with it",
                    cause: error)
            case .wrongNode:
                throw ClusterError(
                    .refused,
                    "the node at \(master) is not the master that the token is for: correct --master, or take a token of that node",
                    cause: error)
            // A master that was there before may be away, and something else in its place for a while.
            case .timedOut where !hasJoined.withLock({ $0 }), .unreachable where !hasJoined.withLock({ $0 }):
                guard await HTTPProbe.isAnswered(at: master) else { throw error }
                throw ClusterError(
                    .refused,
                    "HTTP is spoken at \(master), where a master's swarm port was expected: --master takes that one, 8801 where nothing else "
                        + "is set on the master",
                    cause: error)
            default: throw error
            }
        }
        defer { channel.abort() }
        let stay = WorkerStay(worker: self, channel: channel) { [self] hostname in
            hasJoined.withLock { $0 = true }
            onJoined(master, hostname)
        }
        do {
            try await stay.run()
        } catch let error as RPCError where error.code == .permissionDenied {
            throw ClusterError(.refused, "the master refused this worker: \(error.message)", cause: error)
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as LinkError: error.message
        case let error as RPCError: error.message
        default: "\(error)"
        }
    }
}
