internal import Synchronization
package import Timing

/// Lets attempts at passwords through one `LogInThrottle`, and makes those wait a moment that are too many at once.
package final class LogInGate: Sendable {
    package struct Rules: Sendable, Hashable {
        package var throttle = LogInThrottle.Rules()
        /// How long an attempt waits at most for others to end.
        package var patience: Duration = .seconds(10)
        /// Attempts that wait.
        package var waiting = 256
        /// Those of them from one address.
        package var waitingPerAddress = 16

        package init() {}
    }

    private struct State {
        var throttle: LogInThrottle
        var waiting: [Int: (address: ClientAddress, wake: AsyncStream<Never>.Continuation)] = [:]
        var number = 0
    }

    private enum Admission {
        case verdict(LogInThrottle.Verdict)
        /// Ends when an attempt has ended.
        case line(number: Int, AsyncStream<Never>)
        case full
    }

    let rules: Rules
    private let clock: NodeClock
    private let state: Mutex<State>

    package init(rules: Rules = Rules(), clock: NodeClock = .system) {
        self.rules = rules
        self.clock = clock
        state = Mutex(State(throttle: LogInThrottle(rules: rules.throttle)))
    }

    /// Begins an attempt; whoever does so ends it with `leave`.
    ///
    /// - Throws: `throttled` where too much failed, `busy` where too many are before this one; `CancellationError`.
    func enter(_ target: LogInThrottle.Target, from address: ClientAddress) async throws -> LogInThrottle.Attempt {
        let deadline = ContinuousClock.now + rules.patience
        while true {
            switch admission(to: target, address) {
            case .verdict(.attempt(let attempt)): return attempt
            case .verdict(.wait(let duration)):
                let seconds = max(1, Int((duration / .seconds(1)).rounded(.up)))
                throw AccountError(
                    .throttled, "too many log-ins failed; try again in \(seconds) s", retryAfter: .seconds(seconds))
            case .verdict(.crowded), .full: throw Self.busy
            case .line(let number, let stream):
                await Self.wait(for: stream, until: deadline)
                state.withLock { _ = $0.waiting.removeValue(forKey: number) }
                try Task.checkCancellation()
                guard ContinuousClock.now < deadline else { throw Self.busy }
            }
        }
    }

    func leave(_ attempt: LogInThrottle.Attempt, _ outcome: LogInThrottle.Outcome) {
        let waiting = state.withLock { state in
            state.throttle.end(attempt, outcome, now: clock.now())
            return state.waiting.values
        }
        for (_, wake) in waiting { wake.finish() }
    }

    /// Takes it that these users have logged in from these addresses before.
    func recall(_ networks: [(username: String, address: ClientAddress)]) {
        let now = clock.now()
        state.withLock { state in
            for (name, address) in networks { state.throttle.recall(address, of: name.lowercased(), now: now) }
        }
    }

    /// Forgets what failed for a user who has got another password.
    func forgive(_ username: Username) {
        state.withLock { $0.throttle.forgive(username.folded) }
    }

    private static let busy = AccountError(
        .busy, "too many log-ins at once; try again in a moment", retryAfter: .seconds(1))

    /// A verdict, or a place in the line, taken before any attempt can end unseen.
    private func admission(to target: LogInThrottle.Target, _ address: ClientAddress) -> Admission {
        state.withLock { state in
            let verdict = state.throttle.begin(target, from: address, now: clock.now())
            guard verdict == .crowded else { return .verdict(verdict) }
            guard state.waiting.count < rules.waiting,
                state.waiting.values.count(where: { $0.address == address }) < rules.waitingPerAddress
            else { return .full }
            let (stream, wake) = AsyncStream.makeStream(of: Never.self)
            state.number += 1
            state.waiting[state.number] = (address, wake)
            return .line(number: state.number, stream)
        }
    }

    private static func wait(for stream: AsyncStream<Never>, until deadline: ContinuousClock.Instant) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stream {} }
            group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
            await group.next()
            group.cancelAll()
        }
    }
}
