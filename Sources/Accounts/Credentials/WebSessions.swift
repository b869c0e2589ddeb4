internal import Bytes
internal import GRDB
package import Store
package import Timing

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A session that has just begun: what goes into the cookie and to the page, shown this once.
package struct NewSession: Sendable {
    /// The cookie's value.
    package let id: String
    /// What the page sends in a header with everything that changes something.
    package let csrfToken: String
    /// When it ends even if it is used.
    package let expires: Date
    package let user: User
}

/// Log-ins of browsers.
///
/// A session is a random number in a cookie. It ends when it is not used for a while, at some age, with `end`, and with any change
/// of its user that `Users` says ends it. Its CSRF token is derived from the cookie's value, so that it holds for this session alone.
package final class WebSessions: Sendable {
    package struct Rules: Sendable, Hashable {
        /// How long a session lives without being used.
        package var idle: Duration = .seconds(12 * 3600)
        /// How long a session lives.
        package var absolute: Duration = .seconds(7 * 24 * 3600)
        /// Sessions of one user; the one that was not used for longest makes room.
        package var perUser = 50
        /// How exactly use is known. It is written down by `writeUses()`: what comes between the last of them and the end of the
        /// process is lost.
        package var precision: Duration = .seconds(60)

        package init() {}
    }

    let store: Store
    let rules: Rules
    let clock: NodeClock
    /// By the sessions' hashes.
    private let uses = LastUses<[UInt8]>()

    package init(store: Store, rules: Rules = Rules(), clock: NodeClock = .system) throws {
        try AccountSchema.prepare(store)
        self.store = store
        self.rules = rules
        self.clock = clock
    }

    /// Begins a session.
    ///
    /// - Throws: `wrongCredentials` where the user was changed since they logged in.
    package func begin(for logIn: LoggedIn) async throws -> NewSession {
        let secret = Secret()
        let now = clock.seconds
        let hash = secret.hash
        let (user, rules, uses) = (logIn.user.id, rules, uses.all)
        try await store.write { database in
            try Self.write(uses, database)
            guard let row = try UserRow.find(user, database), row.user.isActive, row.generation == logIn.generation
            else { throw AccountError(.wrongCredentials, "the user was changed meanwhile; log in again") }
            try Self.removeExpired(rules, now, database)
            try database.execute(
                sql: """
                    DELETE FROM accountSession WHERE hash IN (
                        SELECT hash FROM accountSession WHERE user = ? ORDER BY used DESC LIMIT -1 OFFSET ?)
                    """, arguments: [user.rawValue, max(0, rules.perUser - 1)])
            try database.execute(
                sql: "INSERT INTO accountSession VALUES (?, ?, ?, ?)",
                arguments: [Data(hash), user.rawValue, now, now])
        }
        self.uses.forget(uses)
        return NewSession(
            id: secret.text, csrfToken: Base64URL.encode(secret.derived(for: Self.csrfPurpose)),
            expires: Date(timeIntervalSince1970: now + rules.absolute / .seconds(1)), user: logIn.user)
    }

    /// Ends a session; one that is over already stays over.
    package func end(_ handle: SessionHandle, of principal: Principal, from address: String?) async throws {
        let now = clock.seconds
        let event = AuditEvent(
            .principal(principal, from: address), .logOut, on: .user(principal.user, principal.username))
        try await store.write { database in
            try database.execute(sql: "DELETE FROM accountSession WHERE hash = ?", arguments: [Data(handle.hash)])
            if database.changesCount > 0 { try AuditLog.insert(event, at: now, database) }
        }
    }

    /// Forgets sessions that are over; beginning one does so too.
    package func removeExpired() async throws {
        let (now, rules, uses) = (clock.seconds, rules, uses.all)
        try await store.write { database in
            try Self.write(uses, database)
            try Self.removeExpired(rules, now, database)
        }
        self.uses.forget(uses)
    }

    /// Writes down when sessions were used last. Call it every minute, and at the end.
    func writeUses() async throws {
        let uses = uses.all
        guard !uses.isEmpty else { return }
        try await store.write { try Self.write(uses, $0) }
        self.uses.forget(uses)
    }

    private static func write(_ uses: [[UInt8]: Double], _ database: Database) throws {
        for (hash, date) in uses {
            try database.cachedStatement(sql: "UPDATE accountSession SET used = max(used, ?) WHERE hash = ?")
                .execute(arguments: [date, Data(hash)])
        }
    }

    // MARK: Proving

    static let csrfPurpose: StaticString = "shoal csrf v1"

    /// Who has the session.
    ///
    /// - Parameter csrf: what the header says; nil where the request changes nothing.
    func prove(_ text: String, csrf: CSRFCheck) async throws -> Principal {
        guard let secret = Secret(text) else { throw AccountError(.badSession, "this is no session; log in") }
        let hash = secret.hash
        let latest = uses.latest(hash)
        let found = try await store.read { database in
            try Row.fetchOne(
                database, sql: "SELECT user, created, used FROM accountSession WHERE hash = ?", arguments: [Data(hash)]
            ).flatMap { row in
                try UserRow.find(UserID(stored: row["user"]), database).map {
                    (row: $0, created: row["created"] as Double, used: max(row["used"] as Double, latest ?? 0))
                }
            }
        }
        guard let found, found.row.user.isActive else {
            throw AccountError(.badSession, "the session is unknown or was ended; log in")
        }
        let now = clock.seconds
        guard !Self.isOver(created: found.created, used: found.used, rules, now) else {
            throw AccountError(.expired, "the session has run out; log in again")
        }
        if case .required(let header) = csrf {
            guard let header, secret.matches(header, for: Self.csrfPurpose) else {
                throw AccountError(.badCSRFToken, "the CSRF header is missing or is not the session's; reload the page")
            }
        }
        if now - found.used >= rules.precision / .seconds(1) { uses.note(hash, at: now) }
        let token = Base64URL.encode(secret.derived(for: Self.csrfPurpose))
        return Principal(found.row, proof: .session(SessionHandle(hash: hash, csrfToken: token)))
    }

    private static func isOver(created: Double, used: Double, _ rules: Rules, _ now: Double) -> Bool {
        now - used >= rules.idle / .seconds(1) || now - created >= rules.absolute / .seconds(1)
    }

    private static func removeExpired(_ rules: Rules, _ now: Double, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM accountSession WHERE used <= ? OR created <= ?",
            arguments: [now - rules.idle / .seconds(1), now - rules.absolute / .seconds(1)])
    }
}
