internal import GRDB
package import Store
package import Timing

/// The users of this node.
///
/// Every change is one transaction with its checks, its audit entry, and the end of whatever the change ends: deactivation, another
/// password and another role end the user's sessions and JWTs; deactivation also revokes their API tokens for good. Nobody can
/// take the last active administrator away. Besides `AccountError`, calls throw `StoreError` where the database fails.
package final class Users: Sendable {
    let store: Store
    let hasher: PasswordHasher
    let clock: NodeClock
    private let gate: LogInGate

    /// - Parameter gate: what `LogIns` counts failures with; it forgets those of a user who gets another password.
    package init(store: Store, hasher: PasswordHasher, gate: LogInGate, clock: NodeClock = .system) throws {
        try AccountSchema.prepare(store)
        self.store = store
        self.hasher = hasher
        self.gate = gate
        self.clock = clock
    }

    // MARK: Reading

    /// Users in the order in which they were made.
    package func list(after: UserID? = nil, limit: PageLimit = .standard) async throws -> UserPage {
        try await store.read { database in
            let statement = try database.cachedStatement(
                sql: "SELECT \(User.columns) FROM accountUser WHERE id > ? ORDER BY id LIMIT ?")
            let rows = try Row.fetchCursor(statement, arguments: [after?.rawValue ?? 0, limit.rawValue + 1])
            var users: [User] = []
            while let row = try rows.next() { users.append(try User(row)) }
            guard users.count > limit.rawValue else { return UserPage(users: users, next: nil) }
            users.removeLast()
            return UserPage(users: users, next: users.last?.id)
        }
    }

    package func find(_ id: UserID) async throws -> User? {
        try await store.read { try UserRow.find(id, $0)?.user }
    }

    package func find(_ username: Username) async throws -> User? {
        try await store.read { try UserRow.find(username, $0)?.user }
    }

    package func find(_ email: EmailAddress) async throws -> User? {
        try await store.read { database in
            try Row.fetchOne(
                database, sql: "SELECT \(User.columns) FROM accountUser WHERE email = ?", arguments: [email.rawValue]
            ).map { try User($0) }
        }
    }

    // MARK: Changing

    /// Makes a user.
    ///
    /// - Throws: `taken`, `badValue` for a password that is the username or e-mail address and for a username that is reserved,
    ///   `revoked`, `busy`.
    package func create(_ new: NewUser, by actor: AuditActor) async throws -> User {
        try Self.check(new.password, username: new.username, email: new.email)
        let event = AuditEvent(
            actor, .createUser, on: .username(new.username),
            details: [.email(new.email), .role(new.role), .tokens(new.tokens.rawValue)])
        let now = clock.seconds
        let hash = try await hash(new.password, unlessTaken: new.username, new.email, for: nil)
        return try await AuditLog.write(event, in: store, clock: clock) { database in
            let id = try Self.insert(
                username: new.username, email: new.email, role: new.role, passwordHash: try hash.get(),
                state: .chosen, at: now, database)
            if new.tokens > .zero {
                _ = try TokenLedger.add(
                    .grant, new.tokens.rawValue, user: id, key: IdempotencyKey.opening.rawValue,
                    reason: "balance to begin with", at: now, to: database)
            }
            return (try UserRow.fetch(id, database).user, event.about(.user(id, new.username)))
        }
    }

    /// Changes a user.
    ///
    /// - Throws: `userNotFound`, `taken`, `lastAdministrator`, `badValue` for a password that is the username or e-mail address and
    ///   for a username that is reserved, `revoked`, `busy`.
    @discardableResult
    package func update(_ id: UserID, _ changes: UserChanges, by actor: AuditActor) async throws -> User {
        var hash: Result<String, AccountError>?
        if let password = changes.password {
            // Unknown users cost no hashing.
            guard let user = try await find(id) else { throw AccountError(.userNotFound, "there is no user \(id)") }
            let (username, email) = (changes.username ?? user.username, changes.email ?? user.email)
            try Self.check(password, username: username, email: email)
            hash = try await self.hash(password, unlessTaken: username, email, for: id)
        }
        let event = AuditEvent(
            actor, changes.isActive == false ? .deactivateUser : .updateUser, on: .user(id, nil),
            details: Self.details(of: changes))
        let after = try await AuditLog.write(event, in: store, clock: clock) { [clock, hash] database in
            let before = try UserRow.fetch(id, database)
            let after = try Self.apply(changes, passwordHash: try hash?.get(), to: before, at: clock.seconds, database)
            return (after, event.about(.user(id, after.username)))
        }
        if hash != nil { gate.forgive(after.username) }
        return after
    }

    /// Ends everything that a user may do.
    @discardableResult
    package func deactivate(_ id: UserID, by actor: AuditActor) async throws -> User {
        try await update(id, UserChanges(isActive: false), by: actor)
    }

    /// Removes a user with their sessions and tokens. What the ledger and the audit log say of them stays, under an id that no other
    /// user gets.
    ///
    /// - Throws: `userNotFound`, `lastAdministrator`.
    package func delete(_ id: UserID, by actor: AuditActor) async throws {
        let event = AuditEvent(actor, .deleteUser, on: .user(id, nil))
        try await AuditLog.write(event, in: store, clock: clock) { database in
            let user = try UserRow.fetch(id, database).user
            try database.execute(sql: "DELETE FROM accountUser WHERE id = ?", arguments: [id.rawValue])
            if user.role == .admin, user.isActive { try Self.checkAdministratorRemains(database) }
            return ((), event.about(.user(id, user.username)))
        }
    }

    /// Hashes a password, except where that would be in vain since somebody else has the name or the address.
    private func hash(
        _ password: Password, unlessTaken username: Username, _ email: EmailAddress, for id: UserID?
    ) async throws -> Result<String, AccountError> {
        let refusal: AccountError? = try await store.read { database in
            do {
                try Self.checkFree(username, email, for: id, database)
                return nil
            } catch let error as AccountError {
                return error
            }
        }
        if let refusal { return .failure(refusal) }
        return .success(try await hasher.hash(password, for: .administration))
    }

    // MARK: Inside a transaction

    static func insert(
        username: Username, email: EmailAddress, role: Role, passwordHash: String, state: UserRow.PasswordState,
        at now: Double, _ database: Database
    ) throws -> UserID {
        try checkNotReserved(username)
        try checkFree(username, email, for: nil, database)
        try database.execute(
            sql: """
                INSERT INTO accountUser (username, email, role, active, created, passwordHash, passwordState)
                VALUES (?, ?, ?, 1, ?, ?, ?)
                """,
            arguments: [username.rawValue, email.rawValue, role.rawValue, now, passwordHash, state.rawValue])
        return UserID(stored: database.lastInsertedRowID)
    }

    static func apply(
        _ changes: UserChanges, passwordHash: String?, to before: UserRow, at now: Double, _ database: Database
    ) throws -> User {
        let old = before.user
        var new = old
        new.username = changes.username ?? old.username
        new.email = changes.email ?? old.email
        new.role = changes.role ?? old.role
        new.isActive = changes.isActive ?? old.isActive
        if new.username != old.username { try checkNotReserved(new.username) }
        try checkFree(new.username, new.email, for: old.id, database)
        let isDeactivated = old.isActive && !new.isActive
        let ends = isDeactivated || old.role != new.role || passwordHash != nil
        try database.execute(
            sql: """
                UPDATE accountUser SET username = ?, email = ?, role = ?, active = ?, passwordHash = ?,
                    passwordState = ?, generation = ? WHERE id = ?
                """,
            arguments: [
                new.username.rawValue, new.email.rawValue, new.role.rawValue, new.isActive,
                passwordHash ?? before.passwordHash,
                (passwordHash == nil ? before.passwordState : .chosen).rawValue, before.generation + (ends ? 1 : 0),
                old.id.rawValue,
            ])
        if old.role == .admin, old.isActive, new.role != .admin || !new.isActive {
            try checkAdministratorRemains(database)
        }
        if ends {
            try database.execute(sql: "DELETE FROM accountSession WHERE user = ?", arguments: [old.id.rawValue])
        }
        if isDeactivated {
            try database.execute(
                sql: "UPDATE accountAPIToken SET revoked = ? WHERE user = ? AND revoked IS NULL",
                arguments: [now, old.id.rawValue])
        }
        return try UserRow.fetch(old.id, database).user
    }

    private static func checkNotReserved(_ username: Username) throws {
        guard !username.isReserved else {
            throw AccountError.badValue("username", "\(username) is what the audit log calls somebody else")
        }
    }

    private static func checkFree(
        _ username: Username, _ email: EmailAddress, for id: UserID?, _ database: Database
    ) throws {
        let id = id?.rawValue ?? 0
        if try Bool.fetchOne(
            database, sql: "SELECT 1 FROM accountUser WHERE username = ? AND id <> ?",
            arguments: [username.rawValue, id]) == true
        {
            throw AccountError(.taken, "username: another user is called \(username)", field: "username")
        }
        if try Bool.fetchOne(
            database, sql: "SELECT 1 FROM accountUser WHERE email = ? AND id <> ?", arguments: [email.rawValue, id])
            == true
        {
            throw AccountError(.taken, "email: another user has the address \(email)", field: "email")
        }
    }

    /// Asked after the change, which is undone with the transaction.
    private static func checkAdministratorRemains(_ database: Database) throws {
        guard
            try Bool.fetchOne(
                database, sql: "SELECT 1 FROM accountUser WHERE role = 'admin' AND active = 1 LIMIT 1") == true
        else {
            throw AccountError(
                .lastAdministrator, "this is the last active administrator; make another user administrator first")
        }
    }

    static func check(
        _ password: Password, field: String = "password", username: Username, email: EmailAddress
    ) throws {
        guard !password.isCalled(username.rawValue), !password.isCalled(email.rawValue) else {
            throw AccountError.badValue(field, "may not be the username or the e-mail address")
        }
    }

    private static func details(of changes: UserChanges) -> [AuditDetail] {
        var details: [AuditDetail] = []
        if let username = changes.username { details.append(.username(username)) }
        if let email = changes.email { details.append(.email(email)) }
        if let role = changes.role { details.append(.role(role)) }
        if let isActive = changes.isActive { details.append(.active(isActive)) }
        if changes.password != nil { details.append(.passwordReplaced) }
        return details
    }
}
