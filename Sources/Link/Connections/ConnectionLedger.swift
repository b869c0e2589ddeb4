import Identifiers
import Logging
import NIOCore
import Synchronization

/// Knows the connections of one listener, and why the last certificate on each event loop was refused.
final class ConnectionLedger: Sendable {
    private struct State {
        var listener: (any Channel)?
        var open: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
        /// Those that have not proven who they are, the oldest first.
        var handshaking: [ObjectIdentifier] = []
        /// Connections for shards.
        var members: [NodeID: Int] = [:]
        var answers: [Int: Task<Void, Never>] = [:]
        var lastAnswer = 0
        var refusals: [ObjectIdentifier: LinkError] = [:]
        var noticesThisMinute = 0
        var minuteStart = NIODeadline.now()
    }

    private let state = Mutex(State())
    private let limits: LinkLimits
    private let workers: WorkerGate?
    private let logger: Logger

    init(limits: LinkLimits, workers: WorkerGate?, logger: Logger) {
        self.limits = limits
        self.workers = workers
        self.logger = logger
    }

    func listens(on channel: any Channel) {
        let isStopping = state.withLock { state in
            state.listener = channel
            return state.isStopping
        }
        if isStopping { channel.close(promise: nil) }
    }

    /// Whether there is room for one more connection, which `handshakeEnded` and `closed` have to follow. Where too many have not proven
    /// who they are, the oldest of them goes: a member takes milliseconds for it.
    func opened(_ channel: any Channel) -> Bool {
        let (isWelcome, displaced) = state.withLock { state -> (Bool, (any Channel)?) in
            state.open[ObjectIdentifier(channel)] = channel
            state.handshaking.append(ObjectIdentifier(channel))
            guard !state.isStopping, state.open.count <= limits.connections else { return (false, nil) }
            guard state.handshaking.count > limits.handshakes else { return (true, nil) }
            return (true, state.open[state.handshaking.removeFirst()])
        }
        if let displaced {
            logRefusal(of: displaced.remoteAddress, error: TooManyHandshakes(), on: displaced.eventLoop)
            displaced.close(promise: nil)
        }
        return isWelcome
    }

    private struct TooManyHandshakes: Error, CustomStringConvertible {
        let description = "it has not proven who it is, and too many others wait to do so"
    }

    /// Notes that the other side has proven who it is.
    func proven(_ channel: any Channel) {
        workers?.entered(channel, limit: limits.connections * 3 / 4)
    }

    func handshakeEnded(_ channel: any Channel) {
        state.withLock { $0.handshaking.removeAll { $0 == ObjectIdentifier(channel) } }
    }

    func closed(_ channel: any Channel) { state.withLock { $0.open[ObjectIdentifier(channel)] = nil } }

    /// Whether a member may have one more connection for shards, which `left` has to follow then.
    func entered(_ member: NodeID) -> Bool {
        state.withLock { state in
            guard state.members[member, default: 0] < limits.shardConnectionsPerMember else { return false }
            state.members[member, default: 0] += 1
            return true
        }
    }

    func left(_ member: NodeID) {
        state.withLock { state in
            let rest = state.members[member, default: 0] - 1
            state.members[member] = rest > 0 ? rest : nil
        }
    }

    /// Runs what sends an answer. It is cancelled where its connection ends.
    func run(_ answer: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        state.withLock { state in
            state.lastAnswer += 1
            let number = state.lastAnswer
            let task = Task {
                await answer()
                self.state.withLock { $0.answers[number] = nil }
            }
            state.answers[number] = task
            return task
        }
    }

    /// Waits for the answers of connections that have been closed.
    func answersEnded() async {
        while let task = state.withLock({ $0.answers.values.first }) { await task.value }
    }

    /// Closes the listener and every connection, and whatever still comes in.
    ///
    /// The transport must not be cancelled before: a connection that it accepts in that moment would be dropped unfinished, which
    /// NIO ends the process for.
    func stop() {
        let (listener, connections) = state.withLock { state in
            state.isStopping = true
            return (state.listener, Array(state.open.values))
        }
        listener?.close(promise: nil)
        for connection in connections { connection.close(promise: nil) }
    }

    /// Closes every connection; new ones may come.
    func disconnect() {
        for connection in state.withLock({ Array($0.open.values) }) { connection.close(promise: nil) }
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Called by the verification callback, on the connection's event loop, just before the handshake fails there.
    func refused(_ error: LinkError, on eventLoop: any EventLoop) {
        state.withLock { $0.refusals[ObjectIdentifier(eventLoop)] = error }
    }

    /// Logs one refused connection; at most 30 notices a minute, the rest at debug level.
    func logRefusal(of remote: SocketAddress?, error: any Error, on eventLoop: any EventLoop) {
        let (reason, level) = state.withLock { state -> (String, Logger.Level) in
            if NIODeadline.now() - state.minuteStart > .minutes(1) {
                state.minuteStart = .now()
                state.noticesThisMinute = 0
            }
            state.noticesThisMinute += 1
            let refusal = state.refusals.removeValue(forKey: ObjectIdentifier(eventLoop))
            return (refusal?.message ?? "\(error)", state.noticesThisMinute <= 30 ? .notice : .debug)
        }
        logger.log(
            level: level, "refused a connection",
            metadata: ["remote": "\(remote.map { "\($0)" } ?? "unknown")", "reason": "\(reason)"])
    }
}
