package import Generation
import Synchronization

/// Lets so much work go at once, in the order of ``FairShares``; who is refused or cancelled does not wait.
package final class FairGate: Sendable {
    /// Why work was not even taken into the line. Whoever has the gate makes an error of its own of it.
    package enum Refusal: Error, Hashable, Sendable {
        /// The caller has this many pieces of work in the line, or too much in them.
        case callerWaits(Int)
        /// So many wait altogether.
        case allWait(Int)
    }

    private struct State {
        var shares: FairShares
        var waiting: [FairShares.Ticket: CheckedContinuation<Void, any Error>] = [:]
        /// Let go before they stood in line.
        var admitted: Set<FairShares.Ticket> = []
        /// Given up before they stood in line.
        var cancelled: Set<FairShares.Ticket> = []
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - places: how much may go at once.
    ///   - callerPlaces: how much of it one caller may have.
    ///   - callerWaiting: pieces of work of one caller that may wait.
    ///   - waiting: pieces of work that may wait altogether.
    package convenience init(places: Int, callerPlaces: Int, callerWaiting: Int, waiting: Int) {
        self.init(
            FairShares.Limits(
                places: places, callerPlaces: callerPlaces, callerWaiting: callerWaiting, waiting: waiting))
    }

    init(_ limits: FairShares.Limits) { state = Mutex(State(shares: FairShares(limits))) }

    /// Does something when it is its turn.
    ///
    /// - Throws: ``Refusal``, `CancellationError`, and what `body` throws.
    package func run<Value: Sendable>(
        for share: Share, places: Int = 1, _ body: () async throws -> Value
    ) async throws -> Value {
        try await enter(share, places: places)
        defer { leave(share, places: places) }
        return try await body()
    }

    /// Waits for places; ``leave(_:places:)`` gives them back.
    ///
    /// - Parameter load: what it weighs while it waits.
    /// - Throws: ``Refusal`` or `CancellationError`.
    package func enter(_ share: Share, places: Int = 1, load: Int = 0) async throws {
        let (ticket, others) = try state.withLock { state in
            switch state.shares.arrive(share, places: places, load: load) {
            case .failure(let error):
                throw
                    switch error.refusal
                {
                case .callerWaits(let count): Refusal.callerWaits(count)
                case .allWait(let count): Refusal.allWait(count)
                }
            case .success(let ticket):
                return (ticket, Self.admit(&state))
            }
        }
        for other in others { other.resume() }
        if state.withLock({ $0.admitted.remove(ticket) }) != nil { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(ticket) != nil { return .failure(CancellationError()) }
                    if state.admitted.remove(ticket) != nil { return .success(()) }
                    state.waiting[ticket] = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let (own, others) = state.withLock { state -> (CheckedContinuation<Void, any Error>?, [Waiter]) in
                guard state.shares.withdraw(ticket, of: share.caller) else { return (nil, []) }
                let own = state.waiting.removeValue(forKey: ticket)
                if own == nil { state.cancelled.insert(ticket) }
                return (own, Self.admit(&state))
            }
            own?.resume(throwing: CancellationError())
            for other in others { other.resume() }
        }
    }

    /// Gives places back, to those whose turn it is.
    package func leave(_ share: Share, places: Int = 1) {
        let others = state.withLock { state in
            state.shares.leave(share.caller, places: places)
            return Self.admit(&state)
        }
        for other in others { other.resume() }
    }

    private typealias Waiter = CheckedContinuation<Void, any Error>

    /// Lets go who may; those that wait already have to be resumed.
    private static func admit(_ state: inout State) -> [Waiter] {
        var waiters: [Waiter] = []
        while let ticket = state.shares.next() {
            if let waiter = state.waiting.removeValue(forKey: ticket) {
                waiters.append(waiter)
            } else {
                state.admitted.insert(ticket)
            }
        }
        return waiters
    }
}
