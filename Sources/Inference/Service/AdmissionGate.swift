import Synchronization

/// Lets so many generations run at once; more wait in line, and past the end of the line they are refused.
final class AdmissionGate: Sendable {
    private struct State {
        var running = 0
        var next: UInt64 = 0
        var line: [(ticket: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
        /// Cancelled before they stood in line.
        var cancelled: Set<UInt64> = []
    }

    private let limit: Int
    private let lineLimit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = max(1, limit)
        lineLimit = self.limit * 4
    }

    /// Waits for a place; ``leave()`` gives it back.
    ///
    /// - Throws: `InferenceError` with `noCapacity`, or `CancellationError`.
    func enter() async throws {
        let ticket: UInt64? = try state.withLock { state in
            if state.running < limit {
                state.running += 1
                return nil
            }
            guard state.line.count < lineLimit else {
                throw InferenceError(
                    .noCapacity, "\(state.running) generations run and \(state.line.count) wait: no more are taken",
                    hint: "try again later")
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
                    if state.running < limit {
                        state.running += 1
                        return .go
                    }
                    state.line.append((ticket, continuation))
                    return .wait
                }
                switch step {
                case .wait: break
                case .go: continuation.resume()
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                if let index = state.line.firstIndex(where: { $0.ticket == ticket }) {
                    return Optional(state.line.remove(at: index).continuation)
                }
                state.cancelled.insert(ticket)
                return nil
            }
            continuation?.resume(throwing: CancellationError())
        }
        _ = state.withLock { $0.cancelled.remove(ticket) }
    }

    /// Gives a place back, to the first in line.
    func leave() {
        let first = state.withLock { state in
            guard !state.line.isEmpty else {
                state.running -= 1
                return CheckedContinuation<Void, any Error>?.none
            }
            return state.line.removeFirst().continuation
        }
        first?.resume()
    }
}
