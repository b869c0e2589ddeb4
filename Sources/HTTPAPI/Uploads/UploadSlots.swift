import Accounts
import HTTPTypes
import ServiceLifecycle
import Synchronization

/// How many uploads go on at once, of everybody and of one user: nobody can keep all others out.
final class UploadSlots: Sendable {
    /// What one user may have of the slots: a quarter.
    private static let share = 4

    /// An upload of a user who has a whole share already.
    private struct Waiter {
        let id: Int
        let user: UserID
        let turn: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var taken = 0
        var takenByUser: [UserID: Int] = [:]
        /// In the order in which they came.
        var waiters: [Waiter] = []
        var nextID = 0
        /// Those that wait, are about to or have just done so.
        var pending: Set<Int> = []
        /// Those of them that are to wait no more.
        var givenUp: [Int: any Error] = [:]
    }

    private let most: Int
    private let mostOfUser: Int
    /// How long an upload waits for others of its user.
    private let patience: Duration
    private let state = Mutex(State())

    init(_ most: Int, patience: Duration) {
        self.most = most
        mostOfUser = max(1, most / Self.share)
        self.patience = patience
    }

    /// Runs `body` when there is room for it: at once, or after other uploads of the same user.
    ///
    /// - Parameter user: nil for whoever holds the node's key, and may have all slots.
    /// - Throws: 503 where there is none for anybody, or the user's other uploads take too long.
    func use<Value>(for user: UserID?, _ body: () async throws -> Value) async throws -> Value {
        try await take(for: user)
        defer { leave(user) }
        return try await body()
    }

    private func take(for user: UserID?) async throws {
        let id: Int? = try state.withLock { state throws(APIError) in
            if let user, state.takenByUser[user, default: 0] >= mostOfUser {
                guard state.waiters.count(where: { $0.user == user }) < most else { throw shareTaken }
                state.nextID += 1
                state.pending.insert(state.nextID)
                return state.nextID
            }
            guard state.taken < most else { throw Self.busy("\(most) uploads are going on already; try again soon") }
            Self.take(for: user, &state)
            return nil
        }
        guard let id, let user else { return }
        try await cancelWhenGracefulShutdown { try await self.wait(id, user) }
    }

    /// Waits until another upload of the user has ended.
    private func wait(_ id: Int, _ user: UserID) async throws {
        let deadline = Task { [patience, shareTaken] in
            try await Task.sleep(for: patience)
            giveUp(id, shareTaken)
        }
        defer {
            deadline.cancel()
            state.withLock { state in
                state.pending.remove(id)
                state.givenUp[id] = nil
            }
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (turn: CheckedContinuation<Void, any Error>) in
                state.withLock { state in
                    if let fault = state.givenUp[id] { return turn.resume(throwing: fault) }
                    state.waiters.append(Waiter(id: id, user: user, turn: turn))
                    // Another may have ended since.
                    admitWaiters(&state)
                }
            }
        } onCancel: {
            giveUp(id, CancellationError())
        }
    }

    private func giveUp(_ id: Int, _ fault: any Error) {
        state.withLock { state in
            if let index = state.waiters.firstIndex(where: { $0.id == id }) {
                state.waiters.remove(at: index).turn.resume(throwing: fault)
            } else if state.pending.contains(id) {
                state.givenUp[id] = fault
            }
        }
    }

    private func leave(_ user: UserID?) {
        state.withLock { state in
            state.taken -= 1
            if let user, let count = state.takenByUser[user] { state.takenByUser[user] = count > 1 ? count - 1 : nil }
            admitWaiters(&state)
        }
    }

    private func admitWaiters(_ state: inout State) {
        while state.taken < most,
            let index = state.waiters.firstIndex(where: { state.takenByUser[$0.user, default: 0] < mostOfUser })
        {
            let waiter = state.waiters.remove(at: index)
            Self.take(for: waiter.user, &state)
            waiter.turn.resume()
        }
    }

    private static func take(for user: UserID?, _ state: inout State) {
        state.taken += 1
        if let user { state.takenByUser[user, default: 0] += 1 }
    }

    private var shareTaken: APIError {
        Self.busy("\(mostOfUser) uploads of yours are going on already; try again when one of them has ended")
    }

    private static func busy(_ message: String) -> APIError {
        var error = APIError.unavailable(message)
        error.headers[.retryAfter] = "2"
        return error
    }
}
