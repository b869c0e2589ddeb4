internal import Bytes
internal import Crypto
internal import GRDB
internal import Store
internal import Synchronization
internal import Timing

/// Checks passwords, slowly for those who guess.
///
/// Unknown users, deactivated ones and wrong passwords cannot be told apart by the answer, by its time, or by when an attempt is
/// throttled, except from a network from which the user has logged in before.
package final class LogIns: Sendable {
    /// What the API calls the password that a user chooses.
    private static let newPassword = "new_password"

    private let users: Users
    private let gate: LogInGate
    private let failures = Mutex(FailedLogIns())

    /// - Parameter gate: the one that `users` has too.
    package init(users: Users, gate: LogInGate) {
        self.users = users
        self.gate = gate
    }

    /// - Throws: `wrongCredentials`, `throttled`, `busy`; `StoreError`.
    package func logIn(username: String, password: String, from address: ClientAddress) async throws -> LoggedIn {
        let name = try? Username(username)
        let attempt = try await gate.enter(.logIn(name?.folded ?? Self.stand(for: username)), from: address)
        var outcome = LogInThrottle.Outcome.withdrawn
        defer { gate.leave(attempt, outcome) }
        let row = try await users.store.read { database in try name.flatMap { try UserRow.find($0, database) } }
        let isRight = try await users.hasher.verify(password, against: row?.passwordHash)
        guard isRight, let row, row.user.isActive, row.passwordState != .spent,
            let user = try await admit(row, address)
        else {
            outcome = .wrong
            try await record(refused(row, address), attempt)
            throw AccountError(.wrongCredentials, "the username or the password is wrong")
        }
        outcome = .right
        if users.hasher.isOutdated(row.passwordHash) { try await renewHash(of: row, password) }
        return LoggedIn(user: user, generation: row.generation, address: address)
    }

    /// Replaces a user's password by another one that they choose. Ends their sessions and JWTs, the one that asks included.
    ///
    /// - Throws: `wrongCredentials` where `current` is not the password, `badValue` also where `new` is, `revoked`, `throttled`,
    ///   `busy`; `StoreError`.
    package func changePassword(
        of principal: Principal, current: String, to new: Password, from address: ClientAddress
    ) async throws {
        let event = AuditEvent(
            .principal(principal, from: address.description), .changePassword,
            on: .user(principal.user, principal.username))
        let row = try await proven(principal, current, event, address)
        try Users.check(new, field: Self.newPassword, username: row.user.username, email: row.user.email)
        // Else a password that was made for one log-in, and shown, would become one for ever.
        guard !new.isSame(as: current) else {
            throw AccountError.badValue(Self.newPassword, "is the password that the user has; choose another one")
        }
        let hash = try await users.hasher.hash(new, for: .logIn)
        let now = users.clock.seconds
        try await AuditLog.write(event, in: users.store, clock: users.clock) { database in
            let latest = try UserRow.fetch(row.user.id, database)
            guard latest.passwordHash == row.passwordHash else {
                throw AccountError(.wrongCredentials, "the current password was replaced in the meantime")
            }
            _ = try Users.apply(UserChanges(), passwordHash: hash, to: latest, at: now, database)
            return ((), event)
        }
    }

    /// Writes down how often log-ins failed that have no entry of their own in the audit log.
    ///
    /// - Parameter everything: whether those too that failed in this minute.
    func writeFailures(everything: Bool) async throws {
        try await write(failures.withLock { $0.due(now: users.clock.now(), everything: everything) })
    }

    /// The user, if `current` is their password.
    private func proven(
        _ principal: Principal, _ current: String, _ event: AuditEvent, _ address: ClientAddress
    ) async throws -> UserRow {
        let attempt = try await gate.enter(.change(principal.user), from: address)
        var outcome = LogInThrottle.Outcome.withdrawn
        defer { gate.leave(attempt, outcome) }
        let row = try await users.store.read { try UserRow.find(principal.user, $0) }
        let isRight = try await users.hasher.verify(current, against: row?.passwordHash)
        guard isRight, let row, row.user.isActive else {
            outcome = .wrong
            let error = AccountError(.wrongCredentials, "the current password is wrong")
            try await record(event.refused(error), attempt)
            throw error
        }
        outcome = .right
        return row
    }

    /// What a name is counted by that no user can have: apart from other such names, and from those that users can have.
    private static func stand(for name: String) -> String {
        "?" + Base64URL.encode(SHA256.hash(data: Array(name.lowercased().utf8)))
    }

    /// Uses up a password that is good for one log-in. Nil where the user changed while the password was hashed.
    private func admit(_ row: UserRow, _ address: ClientAddress) async throws -> User? {
        let event = AuditEvent(
            .user(row.user, from: address.description), .logIn, on: .user(row.user.id, row.user.username))
        let now = users.clock.seconds
        let networks = gate.rules.throttle.networks
        return try await users.store.write { database in
            guard let latest = try UserRow.find(row.user.id, database), latest.user.isActive,
                latest.generation == row.generation, latest.passwordHash == row.passwordHash,
                latest.passwordState == row.passwordState
            else { return nil }
            if latest.passwordState == .oneTime {
                // It was printed, and is for nothing but the very first log-in.
                guard try Users.needsAdministrator(database) else { return nil }
                try database.execute(
                    sql: "UPDATE accountUser SET passwordState = 'spent' WHERE id = ?",
                    arguments: [row.user.id.rawValue])
            }
            try KnownNetworks.note(address, of: row.user.id, at: now, most: networks, database)
            try AuditLog.insert(event, at: now, database)
            return latest.user
        }
    }

    /// Gives the password the cost that new ones have, unless it was changed meanwhile.
    private func renewHash(of row: UserRow, _ password: String) async throws {
        guard let password = Password.candidate(password) else { return }
        let hash = try await users.hasher.hash(password, for: .logIn)
        try await users.store.write { database in
            try database.execute(
                sql: "UPDATE accountUser SET passwordHash = ? WHERE id = ? AND passwordHash = ?",
                arguments: [hash, row.user.id.rawValue, row.passwordHash])
        }
    }

    /// Names that no user has are not recorded: people type passwords there.
    private func refused(_ row: UserRow?, _ address: ClientAddress) -> AuditEvent {
        AuditEvent(
            .nobody(from: address.description), .logIn,
            on: row.map { .user($0.user.id, $0.user.username) } ?? .username(nil), outcome: .refused,
            details: [.refusal(.wrongCredentials)])
    }

    private func record(_ event: AuditEvent, _ attempt: LogInThrottle.Attempt) async throws {
        try await write(failures.withLock { $0.note(event, of: attempt, now: users.clock.now()) })
    }

    private func write(_ entries: [FailedLogIns.Entry]) async throws {
        guard !entries.isEmpty else { return }
        let now = users.clock.seconds
        do {
            try await users.store.write { database in
                for entry in entries { try AuditLog.insert(entry.event, at: now, database) }
            }
        } catch {
            failures.withLock { $0.putBack(entries, now: users.clock.now()) }
            throw error
        }
    }
}
