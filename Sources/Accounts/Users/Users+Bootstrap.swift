internal import GRDB
internal import Store
internal import Timing

/// The password of an administrator that the node made: show it, and keep it for its owner alone until it has been used.
package struct OneTimePassword: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let username: Username
    /// What to show.
    package let text: String

    package var description: String { "[password of \(username)]" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Users {
    /// Sees to it that somebody can administer the node: while no active administrator has a password of their own, one called
    /// `admin` (`admin2` and so on where users have the name) gets a new password that is good for one log-in, in which another has
    /// to be chosen, and only until somebody else can administer the node.
    ///
    /// - Parameter previous: the password that was made before; it stays where it has not been used.
    /// - Returns: nil where an administrator has a password of their own.
    package func bootstrap(previous: String? = nil) async throws -> OneTimePassword? {
        guard try await store.read(Self.needsAdministrator) else { return nil }
        if let previous, let username = try await owner(ofUnused: previous) {
            return OneTimePassword(username: username, text: previous)
        }
        let (password, text) = Password.random()
        let hash = try await hasher.hash(password, for: .administration)
        let now = clock.seconds
        let username: Username? = try await store.write { database in
            // Another process may have been faster.
            guard try Self.needsAdministrator(database) else { return nil }
            let username = try Self.prepareAdministrator(passwordHash: hash, at: now, database)
            return username
        }
        return username.map { OneTimePassword(username: $0, text: text) }
    }

    /// The administrator whose one-time password this is, unless it has been used.
    private func owner(ofUnused password: String) async throws -> Username? {
        let waiting = try await store.read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT username, passwordHash FROM accountUser
                    WHERE role = 'admin' AND active = 1 AND passwordState = 'oneTime' ORDER BY id LIMIT 1
                    """
            ).map { (username: Username(stored: $0["username"]), hash: $0["passwordHash"] as String) }
        }
        guard let waiting, try await hasher.verify(password, against: waiting.hash) else { return nil }
        return waiting.username
    }

    /// Whether no active administrator has a password of their own.
    static func needsAdministrator(_ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: "SELECT 1 FROM accountUser WHERE role = 'admin' AND active = 1 AND passwordState = 'chosen' LIMIT 1")
            == nil
    }

    private static func prepareAdministrator(passwordHash: String, at now: Double, _ database: Database) throws
        -> Username
    {
        let id: UserID
        if let waiting = try Int64.fetchOne(
            database, sql: "SELECT id FROM accountUser WHERE role = 'admin' AND active = 1 ORDER BY id LIMIT 1")
        {
            id = UserID(stored: waiting)
            try database.execute(
                sql: """
                    UPDATE accountUser SET passwordHash = ?, passwordState = 'oneTime', generation = generation + 1
                    WHERE id = ?
                    """, arguments: [passwordHash, waiting])
            try database.execute(sql: "DELETE FROM accountSession WHERE user = ?", arguments: [waiting])
        } else {
            var number = 1
            func name() -> String { number == 1 ? "admin" : "admin\(number)" }
            while try Bool.fetchOne(
                database, sql: "SELECT 1 FROM accountUser WHERE username = ? OR email = ?",
                arguments: [name(), "\(name())@localhost"]) == true
            {
                number += 1
            }
            id = try insert(
                username: Username(stored: name()), email: EmailAddress(stored: "\(name())@localhost"), role: .admin,
                passwordHash: passwordHash, state: .oneTime, at: now, database)
        }
        let username = try UserRow.fetch(id, database).user.username
        try AuditLog.insert(AuditEvent(.node, .bootstrap, on: .user(id, username)), at: now, database)
        return username
    }
}
