import Synchronization

/// Lets one piece of work go at a time; those who wait are taken in turn by whom they work for, so that nobody fills the line.
final class FairLine: Sendable {
    private struct Waiter {
        let ticket: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var isBusy = false
        var next: UInt64 = 0
        /// Those who wait, by caller, and the order in which callers come.
        var waiters: [String: [Waiter]] = [:]
        var turns: [String] = []
        /// Cancelled before they stood in line.
        var cancelled: Set<UInt64> = []
    }

    /// Pieces of work that may wait: of one caller, and of all.
    private let limits: (caller: Int, all: Int)
    private let state = Mutex(State())

    init(callerLimit: Int = 128, limit: Int = 1024) { limits = (callerLimit, limit) }

    /// Runs `body` when it is its turn.
    ///
    /// - Throws: `InferenceError` with `noCapacity` where too many wait, `CancellationError`, or what `body` throws.
    func run<Value: Sendable>(for caller: String, _ body: () async throws -> Value) async throws -> Value {
        try await enter(caller)
        defer { leave() }
        return try await body()
    }

    private func enter(_ caller: String) async throws {
        let ticket: UInt64? = try state.withLock { state in
            if !state.isBusy {
                state.isBusy = true
                return nil
            }
            let all = state.waiters.values.reduce(0) { $0 + $1.count }
            guard state.waiters[caller, default: []].count < limits.caller, all < limits.all else {
                throw InferenceError(
                    .noCapacity, "too many prompts wait to be prepared", hint: "try again in a moment")
            }
            state.next += 1
            return state.next
        }
        guard let ticket else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Step { case wait, go, cancelled }
                let step: Step = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil { return .cancelled }
                    if !state.isBusy {
                        state.isBusy = true
                        return .go
                    }
                    if state.waiters[caller] == nil { state.turns.append(caller) }
                    state.waiters[caller, default: []].append(Waiter(ticket: ticket, continuation: continuation))
                    return .wait
                }
                switch step {
                case .wait: break
                case .go: continuation.resume()
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let waiter: Waiter? = state.withLock { state in
                guard let index = state.waiters[caller]?.firstIndex(where: { $0.ticket == ticket }) else {
                    state.cancelled.insert(ticket)
                    return nil
                }
                let waiter = state.waiters[caller]?.remove(at: index)
                if state.waiters[caller]?.isEmpty == true {
                    state.waiters[caller] = nil
                    state.turns.removeAll { $0 == caller }
                }
                return waiter
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
        _ = state.withLock { $0.cancelled.remove(ticket) }
    }

    private func leave() {
        let next: Waiter? = state.withLock { state in
            guard !state.turns.isEmpty else {
                state.isBusy = false
                return nil
            }
            let caller = state.turns.removeFirst()
            let waiter = state.waiters[caller]?.removeFirst()
            if state.waiters[caller]?.isEmpty == true {
                state.waiters[caller] = nil
            } else {
                state.turns.append(caller)
            }
            return waiter
        }
        next?.continuation.resume()
    }
}
