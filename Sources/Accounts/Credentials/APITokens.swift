internal import GRDB
package import Store
package import Timing

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// An API token, without the token.
package struct APIToken: Sendable, Hashable {
    package let id: APITokenID
    package let user: UserID
    package let name: String
    /// The first characters and `...`.
    package let shown: String
    package let created: Date
    /// To a minute or so; nil for one that was never used.
    package let lastUsed: Date?
    package let isActive: Bool

    /// - Parameter latest: a use that is not written down yet, in seconds since 1970.
    init(_ row: Row, latest: Double? = nil) {
        id = APITokenID(stored: row["id"])
        user = UserID(stored: row["user"])
        name = row["name"]
        shown = row["shown"]
        created = Date(timeIntervalSince1970: row["created"])
        lastUsed = [row["used"] as Double?, latest].compactMap { $0 }.max().map(Date.init(timeIntervalSince1970:))
        isActive = (row["revoked"] as Double?) == nil
    }
}

/// Bearer values for programs: `shl_` and 43 characters, shown once and kept as SHA-256, good until revoked.
package final class APITokens: Sendable {
    package static let prefix = "shl_"
    /// Characters that lists show, the prefix included.
    private static let shownCharacters = 10
    package static let maximumNameLength = 100
    /// Active tokens that one user may have.
    package static let maximumPerUser = 100
    /// How exactly use is known, in seconds. It is written down by `writeUses()`.
    private static let precision = 60.0

    let store: Store
    let clock: NodeClock
    private let uses = LastUses<APITokenID>()

    package init(store: Store, clock: NodeClock = .system) throws {
        try AccountSchema.prepare(store)
        self.store = store
        self.clock = clock
    }

    /// Makes a token.
    ///
    /// - Returns: the token as lists have it, and its text, which is shown this once.
    /// - Throws: `badValue` for the name, `userNotFound` also for a deactivated user, `tooMany`.
    package func create(name: String, for user: UserID, by actor: AuditActor) async throws
        -> (token: APIToken, text: String)
    {
        guard (1...Self.maximumNameLength).contains(name.count), name.contains(where: { !$0.isWhitespace }),
            name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw AccountError.badValue(
                "name", "takes 1 to \(Self.maximumNameLength) characters, none of them control characters")
        }
        let secret = Secret()
        let text = Self.prefix + secret.text
        let hash = secret.hash
        let now = clock.seconds
        let event = AuditEvent(actor, .createAPIToken, on: .thing("api_token", name, user: user))
        let token = try await AuditLog.write(event, in: store, clock: clock) { database in
            guard try UserRow.find(user, database)?.user.isActive == true else {
                throw AccountError(.userNotFound, "there is no active user \(user)")
            }
            let count = try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM accountAPIToken WHERE user = ? AND revoked IS NULL",
                arguments: [user.rawValue])
            guard (count ?? 0) < Self.maximumPerUser else {
                throw AccountError(.tooMany, "a user has at most \(Self.maximumPerUser) tokens; revoke one first")
            }
            // Revoked ones are kept for people to see, but not without end.
            try database.execute(
                sql: """
                    DELETE FROM accountAPIToken WHERE id IN (
                        SELECT id FROM accountAPIToken WHERE user = ? AND revoked IS NOT NULL
                        ORDER BY revoked DESC LIMIT -1 OFFSET ?)
                    """, arguments: [user.rawValue, Self.maximumPerUser])
            try database.execute(
                sql: "INSERT INTO accountAPIToken (user, name, shown, hash, created) VALUES (?, ?, ?, ?, ?)",
                arguments: [user.rawValue, name, text.prefix(Self.shownCharacters) + "...", Data(hash), now])
            let id = APITokenID(stored: database.lastInsertedRowID)
            return (
                try Self.fetch(id, of: user, database),
                event.about(.thing("api_token", "\(id) \(name)", user: user))
            )
        }
        return (token, text)
    }

    /// The tokens of a user, the oldest first, with those that were revoked lately.
    package func list(of user: UserID) async throws -> [APIToken] {
        let uses = uses.all
        return try await store.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM accountAPIToken WHERE user = ? ORDER BY id", arguments: [user.rawValue]
            ).map { APIToken($0, latest: uses[APITokenID(stored: $0["id"])]) }
        }
    }

    /// Writes down when tokens were used last. Call it every minute, and at the end.
    func writeUses() async throws {
        let uses = uses.all
        guard !uses.isEmpty else { return }
        try await store.write { database in
            for (id, date) in uses {
                try database.cachedStatement(
                    sql: "UPDATE accountAPIToken SET used = max(COALESCE(used, 0), ?) WHERE id = ?"
                ).execute(arguments: [date, id.rawValue])
            }
        }
        self.uses.forget(uses)
    }

    /// Ends a token at once and for good; one that was revoked before stays so.
    ///
    /// - Parameter user: whose it is; nil lets it be anybody's.
    /// - Throws: `tokenNotFound`.
    @discardableResult
    package func revoke(_ id: APITokenID, of user: UserID? = nil, by actor: AuditActor) async throws -> APIToken {
        let now = clock.seconds
        let event = AuditEvent(actor, .revokeAPIToken, on: .thing("api_token", "\(id)", user: user))
        return try await AuditLog.write(event, in: store, clock: clock) { database in
            let token = try Self.fetch(id, of: user, database)
            guard token.isActive else { return (token, nil) }
            try database.execute(
                sql: "UPDATE accountAPIToken SET revoked = ? WHERE id = ?", arguments: [now, id.rawValue])
            return (
                try Self.fetch(id, of: user, database),
                event.about(.thing("api_token", "\(id) \(token.name)", user: token.user))
            )
        }
    }

    private static func fetch(_ id: APITokenID, of user: UserID?, _ database: Database) throws -> APIToken {
        let token = try Row.fetchOne(
            database, sql: "SELECT * FROM accountAPIToken WHERE id = ?", arguments: [id.rawValue]
        ).map { APIToken($0) }
        guard let token, user == nil || token.user == user else {
            throw AccountError(.tokenNotFound, "there is no API token \(id)")
        }
        return token
    }

    // MARK: Proving

    /// Who has the token.
    func prove(_ text: some StringProtocol) async throws -> Principal {
        let unknown = AccountError(
            .badBearer, "this node has made no such API token; make one here, or ask the node that it is from")
        guard text.hasPrefix(Self.prefix), let secret = Secret(text.dropFirst(Self.prefix.count)) else { throw unknown }
        let hash = secret.hash
        let found = try await store.read { database in
            try Row.fetchOne(
                database, sql: "SELECT id, user, used, revoked FROM accountAPIToken WHERE hash = ?",
                arguments: [Data(hash)]
            ).flatMap { row in
                try UserRow.find(UserID(stored: row["user"]), database).map {
                    (
                        row: $0, id: APITokenID(stored: row["id"]), used: row["used"] as Double?,
                        isRevoked: row["revoked"] as Double? != nil
                    )
                }
            }
        }
        // Whoever has the secret had the token: they may know what became of it.
        guard let found else { throw unknown }
        guard found.row.user.isActive else { throw AccountError.deactivated(found.row.user) }
        guard !found.isRevoked else { throw AccountError(.badBearer, "the API token was revoked; make a new one") }
        let now = clock.seconds
        // A use that was written down since the look into the row is noted once more, which changes nothing.
        let used = [found.used, uses.latest(found.id)].compactMap { $0 }.max()
        if used.map({ now - $0 >= Self.precision }) ?? true { uses.note(found.id, at: now) }
        return Principal(found.row, proof: .apiToken(found.id))
    }
}
