package import GRDB
package import Store
package import Timing

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Who did what to whom, when, from where, and what became of it: a list that only grows.
///
/// What this domain changes is recorded in the transaction that changes it, so that neither is there without the other. Besides
/// `AccountError`, calls throw `StoreError` where the database fails.
package final class AuditLog: Sendable {
    private let store: Store
    private let clock: NodeClock

    package init(store: Store, clock: NodeClock = .system) throws {
        try AccountSchema.prepare(store)
        self.store = store
        self.clock = clock
    }

    /// Adds an entry.
    package func record(_ event: AuditEvent) async throws {
        let now = clock.seconds
        try await store.write { try Self.insert(event, at: now, $0) }
    }

    /// Adds an entry in a transaction of the caller's on the log's own database: it is there where what it tells of is.
    package func record(_ event: AuditEvent, in database: Database) throws {
        try Self.insert(event, at: clock.seconds, database)
    }

    /// Checks that an actor who is a user still is who they proved to be. Call it before a change of another domain's that does not
    /// go through this one: the session or token that a request showed may have been ended while its content came in.
    ///
    /// - Throws: `revoked`.
    package func confirm(_ actor: AuditActor) async throws {
        guard let principal = actor.principal else { return }
        try await store.read { try principal.confirm(in: $0) }
    }

    /// The same in a transaction of the caller's on the log's own database.
    package func confirm(_ actor: AuditActor, in database: Database) throws {
        try actor.principal?.confirm(in: database)
    }

    /// Which entries to read.
    package struct Filter: Sendable, Hashable {
        /// Only what this user did.
        package var actor: UserID?
        /// Only what was done to this user.
        package var subject: UserID?

        package init(actor: UserID? = nil, subject: UserID? = nil) {
            self.actor = actor
            self.subject = subject
        }
    }

    /// Entries, the newest first.
    ///
    /// - Parameter before: an entry's id; only older ones are returned.
    package func entries(_ filter: Filter = Filter(), before: Int64? = nil, limit: PageLimit = .standard) async throws
        -> [AuditEntry]
    {
        var conditions = ["id < ?"]
        var arguments: StatementArguments = [before ?? .max]
        if let actor = filter.actor {
            conditions.append("actorUser = ?")
            arguments += [actor.rawValue]
        }
        if let subject = filter.subject {
            conditions.append("subjectUser = ?")
            arguments += [subject.rawValue]
        }
        let sql =
            "SELECT * FROM auditEntry WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT \(limit.rawValue)"
        return try await store.read { [arguments] database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).map(Self.decode)
        }
    }

    // MARK: Inside a transaction

    /// Runs `body` in a transaction that also records the event which it returns. Where it is refused, that is recorded instead,
    /// with nothing else changed; so it is where what proved the actor has been ended meanwhile.
    static func write<Value: Sendable>(
        _ event: AuditEvent, in store: Store, clock: NodeClock,
        _ body: @escaping @Sendable (Database) throws -> (Value, AuditEvent?)
    ) async throws -> Value {
        let now = clock.seconds
        do {
            return try await store.write { database in
                try event.actor.principal?.confirm(in: database)
                let (value, event) = try body(database)
                if let event { try insert(event, at: now, database) }
                return value
            }
        } catch let error as AccountError {
            let refused = event.refused(error)
            try await store.write { try insert(refused, at: now, $0) }
            throw error
        }
    }

    static func insert(_ event: AuditEvent, at now: Double, _ database: Database) throws {
        let proof = event.actor.proof.map { [AuditDetail.proof($0)] } ?? []
        let details = try JSONEncoder().encode((event.details + proof).map { [$0.name, $0.value] })
        try database.execute(
            sql: """
                INSERT INTO auditEntry
                    (at, actor, actorUser, action, subject, subjectUser, address, outcome, details)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                now, event.actor.name, event.actor.user?.rawValue, event.action.description, event.subject.description,
                event.subject.user?.rawValue, event.actor.address, event.outcome.rawValue,
                String(decoding: details, as: UTF8.self),
            ])
    }

    private static func decode(_ row: Row) throws -> AuditEntry {
        let id: Int64 = row["id"]
        guard let outcome = AuditOutcome(rawValue: row["outcome"]),
            let details = try? JSONDecoder().decode([[String]].self, from: Data((row["details"] as String).utf8)),
            details.allSatisfy({ $0.count == 2 })
        else {
            throw AccountError(.damaged, "entry \(id) of the audit log cannot be read; restore a backup")
        }
        return AuditEntry(
            id: id, date: Date(timeIntervalSince1970: row["at"]), actor: row["actor"],
            actorUser: (row["actorUser"] as Int64?).map(UserID.init(stored:)),
            action: AuditAction(stored: row["action"]),
            subject: AuditSubject(
                stored: row["subject"], user: (row["subjectUser"] as Int64?).map(UserID.init(stored:))),
            address: row["address"], outcome: outcome,
            details: details.map { AuditDetail(stored: $0[0], $0[1]) })
    }
}
