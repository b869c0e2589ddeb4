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
        var running = 0
        var waiting: [@Sendable () -> Void] = []
    }

    private let limits: Limits
    /// Stands in for the hash of a user that does not exist, so that the same work is done. No password that a user may have.
    private let decoy: PasswordHash
    private let line = Mutex(Line())
    private let queue = DispatchQueue(label: "passwords", attributes: .concurrent)

    package init(limits: Limits = Limits()) throws {
        self.limits = limits
        decoy = try PasswordHash(of: Password.random().password, cost: limits.cost)
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
        let (tried, expected) = (password ?? .placeholder, hash ?? decoy)
        let matches = try await inTurn(for: .logIn) { try expected.matches(tried) }
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
                if line.running < limits.concurrent {
                    line.running += 1
                    begin(work)
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

    private func begin(_ work: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            work()
            line.withLock { line in
                if line.waiting.isEmpty {
                    line.running -= 1
                } else {
                    begin(line.waiting.removeFirst())
                }
            }
        }
    }
}
