import Synchronization
package import Timing

/// Lets so many bytes pass per second, taken from a bucket that fills up again: whoever wants to send or to receive takes
/// them first.
///
/// Those who wait are served in the order in which they came, so everybody who takes small amounts again and again gets an
/// equal share. An amount may be larger than the bucket: what comes after it waits for longer.
package final class BandwidthLimit: Sendable {
    private struct State {
        var bytesPerSecond: Int
        /// Bytes that may pass at once; below zero while earlier ones are being made up for.
        var level: Double
        var filledAt: Duration
        var nextTicket: UInt64 = 0
        /// Those who wait, in order; the first one's turn it is.
        var line: [(ticket: UInt64, turn: CheckedContinuation<Void, Never>?)] = []
    }

    /// What the bucket holds.
    private static let burstSeconds = 0.25
    /// A change of the limit holds after this time for whoever waits.
    private static let longestNap: Duration = .milliseconds(200)

    private let clock: NodeClock
    private let state: Mutex<State>

    /// - Parameter bytesPerSecond: 0 for no limit.
    package init(bytesPerSecond: Int = 0, clock: NodeClock = .system) {
        self.clock = clock
        let bytesPerSecond = max(0, bytesPerSecond)
        state = Mutex(
            State(
                bytesPerSecond: bytesPerSecond, level: Double(bytesPerSecond) * Self.burstSeconds,
                filledAt: clock.now()))
    }

    /// 0 for no limit. A change holds at once, also for those who wait.
    package var bytesPerSecond: Int {
        get { state.withLock { $0.bytesPerSecond } }
        set {
            let now = clock.now()
            state.withLock { state in
                Self.fill(&state, at: now)
                state.bytesPerSecond = max(0, newValue)
                state.level = min(state.level, Double(state.bytesPerSecond) * Self.burstSeconds)
            }
        }
    }

    /// How much to take at a time, at most `bytes`, so that the others are not kept waiting for long.
    package func portion(of bytes: Int) -> Int {
        let rate = bytesPerSecond
        return rate == 0 ? bytes : min(bytes, max(4096, rate / 16))
    }

    /// Returns when so many bytes may pass.
    ///
    /// - Throws: `CancellationError`, in which case they are not counted.
    package func take(_ bytes: Int) async throws {
        try Task.checkCancellation()
        let ticket: UInt64? = state.withLock { state in
            guard state.bytesPerSecond > 0 || !state.line.isEmpty else { return nil }
            state.nextTicket += 1
            state.line.append((state.nextTicket, nil))
            return state.nextTicket
        }
        guard let ticket else { return }
        defer { leave(ticket) }
        try await turn(of: ticket)
        while let wait = pass(bytes) { try await clock.sleep(min(wait, Self.longestNap)) }
    }

    /// Takes the bytes if the bucket is not in debt; otherwise answers for how long it is.
    private func pass(_ bytes: Int) -> Duration? {
        let now = clock.now()
        return state.withLock { state in
            guard state.bytesPerSecond > 0 else { return nil }
            Self.fill(&state, at: now)
            guard state.level < 0 else {
                state.level -= Double(max(0, bytes))
                return nil
            }
            // Never nothing, whatever the rounding: the bucket has to fill meanwhile.
            return max(.microseconds(50), .seconds(-state.level / Double(state.bytesPerSecond)))
        }
    }

    private static func fill(_ state: inout State, at now: Duration) {
        let elapsed = (now - state.filledAt) / .seconds(1)
        let rate = Double(state.bytesPerSecond)
        state.level = min(state.level + max(0, elapsed) * rate, rate * burstSeconds)
        state.filledAt = now
    }

    /// Returns when nobody who came before still waits, or when the task is cancelled.
    private func turn(of ticket: UInt64) async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFirst = state.withLock { state in
                    guard !Task.isCancelled, state.line.first?.ticket != ticket,
                        let place = state.line.firstIndex(where: { $0.ticket == ticket })
                    else { return true }
                    state.line[place].turn = continuation
                    return false
                }
                if isFirst { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard let place = state.line.firstIndex(where: { $0.ticket == ticket }) else { return nil }
                defer { state.line[place].turn = nil }
                return state.line[place].turn
            }
            waiting?.resume()
        }
        try Task.checkCancellation()
    }

    private func leave(_ ticket: UInt64) {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.line.removeAll { $0.ticket == ticket }
            guard !state.line.isEmpty else { return nil }
            defer { state.line[0].turn = nil }
            return state.line[0].turn
        }
        next?.resume()
    }
}
