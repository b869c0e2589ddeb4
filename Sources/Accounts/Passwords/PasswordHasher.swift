internal import Dispatch
internal import Synchronization

/// Hashes passwords on threads of its own, a few at a time, so that log-ins take neither the threads that serve requests nor all
/// of the machine's memory.
///
/// Whoever comes while all are taken waits in line; past the end of the line the answer is `busy` at once. Its last places are for
/// what administrators do, so that log-ins do not keep them from their work.
package final class PasswordHasher: Sendable {
    package struct Limits: Sendable {
        /// Passwords that are hashed at the same time; each takes 32 MiB and a core.
        package var concurrent: Int
        /// Passwords that wait for their turn.
        package var waiting: Int
        /// Those that wait besides because an administrator sets them.
        package var reserved: Int
        /// What hashing one costs.
        package var cost: PasswordCost

        package init(concurrent: Int = 2, waiting: Int = 56, reserved: Int = 8, cost: PasswordCost = .standard) {
            precondition(concurrent > 0 && waiting >= 0 && reserved >= 0)
            self.concurrent = concurrent
            self.waiting = waiting
            self.reserved = reserved
            self.cost = cost
        }
    }

    /// On whose account a password is hashed.
    enum Purpose: Sendable {
        /// Somebody's who shows or changes their own.
        case logIn
        /// An administrator's, or the node's, who sets one.
        case administration
    }

    private struct Line {
        /// Threads that have nothing to do.
        var free: [Int]
        var waiting: [@Sendable () -> Void] = []
    }

    private let limits: Limits
    /// Stands in for the hash of a user that does not exist, so that the same work is done. No password that a user may have. Made
    /// when it is needed, or before by ``prepare()``: it takes as long as a log-in, and a node that starts has no time for that.
    private let decoy = Mutex<PasswordHash?>(nil)
    private let line: Mutex<Line>
    /// One for each that is hashed at the same time. Serial: concurrent ones share their threads with Swift's own pool.
    private let queues: [DispatchQueue]

    package init(limits: Limits = Limits()) {
        self.limits = limits
        line = Mutex(Line(free: Array(0..<limits.concurrent)))
        queues = (0..<limits.concurrent).map { DispatchQueue(label: "passwords \($0)") }
    }

    /// Makes what log-ins need, so that the first one does not have to.
    func prepare() async throws {
        try await inTurn(for: .administration) { _ = try self.stand() }
    }

    func hash(_ password: Password, for purpose: Purpose) async throws -> String {
        let cost = limits.cost
        return try await inTurn(for: purpose) { try PasswordHash(of: password, cost: cost).text }
    }

    /// Whether `text` is the password with the hash `stored`. Does the same work when there is no hash, when it cannot be read, and
    /// when no password can look like `text`.
    func verify(_ text: String, against stored: String?) async throws -> Bool {
        let password = Password.candidate(text)
        let hash = stored.flatMap(PasswordHash.init)
        let tried = password ?? .placeholder
        let matches = try await inTurn(for: .logIn) {
            // Known users wait for it too: how long it takes says nothing.
            let decoy = try self.stand()
            return try (hash ?? decoy).matches(tried)
        }
        return matches && password != nil && hash != nil
    }

    /// Whether a hash was made with another cost than new ones are.
    func isOutdated(_ stored: String) -> Bool {
        PasswordHash(stored)?.cost != limits.cost
    }

    func inTurn<Value: Sendable>(
        for purpose: Purpose, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let places = purpose == .administration ? limits.waiting + limits.reserved : limits.waiting
        return try await withCheckedThrowingContinuation { continuation in
            let work: @Sendable () -> Void = { continuation.resume(with: Result(catching: body)) }
            let isTaken = line.withLock { line in
                if let thread = line.free.popLast() {
                    begin(work, on: thread)
                } else if line.waiting.count < places {
                    line.waiting.append(work)
                } else {
                    return false
                }
                return true
            }
            if !isTaken {
                continuation.resume(
                    throwing: AccountError(
                        .busy, "too many log-ins at once; try again in a moment", retryAfter: .seconds(1)))
            }
        }
    }

    /// The decoy; those who come while it is made wait for it.
    private func stand() throws -> PasswordHash {
        try decoy.withLock { decoy in
            if let decoy { return decoy }
            let made = try PasswordHash(of: Password.random().password, cost: limits.cost)
            decoy = made
            return made
        }
    }

    private func begin(_ work: @escaping @Sendable () -> Void, on thread: Int) {
        queues[thread].async { [self] in
            work()
            line.withLock { line in
                if line.waiting.isEmpty {
                    line.free.append(thread)
                } else {
                    begin(line.waiting.removeFirst(), on: thread)
                }
            }
        }
    }
}
