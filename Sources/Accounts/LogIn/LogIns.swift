internal import GRDB
internal import Store
internal import Synchronization

/// A user who has just shown their password; what sessions and JWTs are made for.
package struct LoggedIn: Sendable {
    package let user: User
    /// Sessions and JWTs begin only while the user has not been changed since.
    let generation: Int64
    let address: ClientAddress
}

/// Checks passwords, slowly for those who guess.
///
/// Unknown users, deactivated ones and wrong passwords cannot be told apart by the answer, by its time, or by when an attempt is
/// throttled.
package final class LogIns: Sendable {
    /// What the API calls the password that a user chooses.
    private static let newPassword = "new_password"

    private let users: Users
    private let throttle: Mutex<LogInThrottle>

    package init(users: Users, rules: LogInThrottle.Rules = .init()) {
        self.users = users
        throttle = Mutex(LogInThrottle(rules: rules))
    }

    /// - Throws: `wrongCredentials`, `throttled`, `busy`; `StoreError`.
    package func logIn(username: String, password: String, from address: ClientAddress) async throws -> LoggedIn {
        let name = try? Username(username)
        let attempt = try begin(name, address)
        let row: UserRow?
        let isRight: Bool
        do {
            row = try await users.store.read { database in try name.flatMap { try UserRow.find($0, database) } }
            isRight = try await users.hasher.verify(password, against: row?.passwordHash)
        } catch {
            throttle.withLock { $0.withdraw(attempt) }
            throw error
        }
        guard isRight, let row, row.user.isActive, row.passwordState != .spent,
            let user = try await admit(row, address)
        else {
            try await users.record(refused(row, address))
            throw AccountError(.wrongCredentials, "the username or the password is wrong")
        }
        throttle.withLock { $0.succeeded(attempt) }
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
        let attempt = try begin(principal.username, address)
        let row: UserRow?
        let isRight: Bool
        do {
            row = try await users.store.read { try UserRow.find(principal.user, $0) }
            isRight = try await users.hasher.verify(current, against: row?.passwordHash)
        } catch {
            throttle.withLock { $0.withdraw(attempt) }
            throw error
        }
        let event = AuditEvent(
            .principal(principal, from: address.description), .changePassword,
            on: .user(principal.user, principal.username))
        guard isRight, let row, row.user.isActive else {
            let error = AccountError(.wrongCredentials, "the current password is wrong")
            try await users.record(event.refused(error))
            throw error
        }
        throttle.withLock { $0.succeeded(attempt) }
        try Users.check(new, field: Self.newPassword, username: row.user.username, email: row.user.email)
        // Else a password that was made for one log-in, and shown, would become one for ever.
        guard !new.isSame(as: current) else {
            throw AccountError.badValue(Self.newPassword, "is the password that the user has; choose another one")
        }
        let hash = try await users.hasher.hash(new)
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

    private func begin(_ name: Username?, _ address: ClientAddress) throws -> LogInThrottle.Attempt {
        // Names that no user can have are one account.
        switch throttle.withLock({
            $0.begin(account: name?.folded ?? "", address: address, now: users.clock.uptime())
        }) {
        case .attempt(let attempt): return attempt
        case .wait(let duration):
            let seconds = max(1, Int((duration / .seconds(1)).rounded(.up)))
            throw AccountError(
                .throttled, "too many log-ins failed; try again in \(seconds) s", retryAfter: .seconds(seconds))
        }
    }

    /// Uses up a password that is good for one log-in. Nil where the user changed while the password was hashed.
    private func admit(_ row: UserRow, _ address: ClientAddress) async throws -> User? {
        let event = AuditEvent(
            .user(row.user, from: address.description), .logIn, on: .user(row.user.id, row.user.username))
        let now = users.clock.seconds
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
            try AuditLog.insert(event, at: now, database)
            return latest.user
        }
    }

    /// Gives the password the cost that new ones have, unless it was changed meanwhile.
    private func renewHash(of row: UserRow, _ password: String) async throws {
        guard let password = Password.candidate(password) else { return }
        let hash = try await users.hasher.hash(password)
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
}

extension Users {
    func record(_ event: AuditEvent) async throws {
        let now = clock.seconds
        try await store.write { try AuditLog.insert(event, at: now, $0) }
    }
}
