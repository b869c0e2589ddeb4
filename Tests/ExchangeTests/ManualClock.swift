import Swarm
import Synchronization
import Timing

/// A clock that goes when it is told to. Whoever sleeps wakes when its time has come.
final class ManualClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [(id: Int, until: Instant, wake: CheckedContinuation<Void, any Error>)] = []
        var next = 0
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .zero }
    var nodeClock: NodeClock { NodeClock(self) }

    /// How many sleep now.
    var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (wake: CheckedContinuation<Void, any Error>) in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if deadline <= state.now { return .success(()) }
                    state.sleepers.append((id, deadline, wake))
                    return nil
                }
                if let result { wake.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let place = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: place).wake
            }
            sleeper?.resume(throwing: CancellationError())
        }
    }

    /// Moves on to when the next sleeper wakes, at most to `limit`; false where nobody wakes before.
    @discardableResult
    func advanceToNextSleeper(limit: Instant = Instant(offset: .seconds(1 << 40))) -> Bool {
        let woken = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
            guard let first = state.sleepers.map(\.until).min(), first <= limit else { return [] }
            state.now = max(state.now, first)
            let due = state.sleepers.filter { $0.until <= first }
            state.sleepers.removeAll { $0.until <= first }
            return due.map(\.wake)
        }
        for wake in woken { wake.resume() }
        return !woken.isEmpty
    }

    func advance(by duration: Duration) {
        let end = state.withLock { $0.now.advanced(by: duration) }
        while advanceToNextSleeper(limit: end) {}
        state.withLock { $0.now = max($0.now, end) }
    }
}

/// Moves a manual clock on, from sleeper to sleeper, until `body` is through.
func driving<Result: Sendable>(
    _ clock: ManualClock, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let isThrough = Mutex(false)
    async let result = {
        defer { isThrough.withLock { $0 = true } }
        return try await body()
    }()
    while !isThrough.withLock({ $0 }) {
        clock.advanceToNextSleeper()
        await Task.yield()
    }
    return try await result
}
