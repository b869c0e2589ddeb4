import Accounts
import GRDB
import Store

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The table of training jobs; every call runs inside a transaction of the caller's.
enum TrainingTable {
    /// Jobs that ended and are remembered; older ones are forgotten.
    static let maximumEnded = 10_000

    static func prepare(_ store: Store) throws {
        try store.migrate([
            StoreMigration("jobs-1 training") { database in
                try database.execute(
                    sql: """
                        CREATE TABLE trainingJob (
                            number INTEGER PRIMARY KEY AUTOINCREMENT,
                            id TEXT NOT NULL UNIQUE,
                            user INTEGER,
                            requestKey TEXT,
                            outputModel TEXT NOT NULL,
                            description TEXT NOT NULL,
                            path TEXT NOT NULL,
                            state TEXT NOT NULL
                                CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
                            progress REAL NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
                            message TEXT NOT NULL DEFAULT '',
                            created REAL NOT NULL,
                            started REAL,
                            ended REAL,
                            tokens INTEGER NOT NULL CHECK (tokens >= 0),
                            reservation INTEGER UNIQUE REFERENCES ledgerEntry,
                            CHECK ((ended IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
                            CHECK ((user IS NULL) = (reservation IS NULL)),
                            CHECK (reservation IS NOT NULL OR tokens = 0)
                        ) STRICT;
                        CREATE INDEX trainingJobUser ON trainingJob (user, number);
                        CREATE INDEX trainingJobOpen ON trainingJob (state, number)
                            WHERE state IN ('queued', 'running');
                        CREATE UNIQUE INDEX trainingJobKey ON trainingJob (COALESCE(user, 0), requestKey)
                            WHERE requestKey IS NOT NULL;
                        """)
            }
        ])
    }

    static func insert(_ job: TrainingJob, requestKey: String?, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO trainingJob
                    (id, user, requestKey, outputModel, description, path, state, created, tokens, reservation)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                job.id.description, job.user?.rawValue, requestKey, job.request.outputModel, job.request.description,
                job.request.path, job.state.rawValue, job.created.timeIntervalSince1970, job.tokens.rawValue,
                job.reservation,
            ])
        try database.execute(
            sql: """
                DELETE FROM trainingJob WHERE state NOT IN ('queued', 'running')
                    AND number <= (SELECT MAX(number) FROM trainingJob) - \(maximumEnded)
                """)
    }

    static func find(_ id: JobID, _ database: Database) throws -> TrainingJob? {
        try Row.fetchOne(
            database, sql: "SELECT * FROM trainingJob WHERE id = ?", arguments: [id.description]
        ).map(TrainingJob.init)
    }

    static func find(requestKey: String, of user: UserID?, _ database: Database) throws -> TrainingJob? {
        try Row.fetchOne(
            database, sql: "SELECT * FROM trainingJob WHERE COALESCE(user, 0) = ? AND requestKey = ?",
            arguments: [user?.rawValue ?? 0, requestKey]
        ).map(TrainingJob.init)
    }

    /// Jobs, the newest first.
    ///
    /// - Parameters:
    ///   - user: only of this user; of everybody where nil.
    ///   - after: only those that were made before this one.
    static func list(of user: UserID?, after: JobID?, limit: Int, _ database: Database) throws -> [TrainingJob] {
        var before = Int64.max
        if let after {
            guard
                let number = try Int64.fetchOne(
                    database, sql: "SELECT number FROM trainingJob WHERE id = ?", arguments: [after.description])
            else { throw JobError.badValue("after", "is the id of a job of the list") }
            before = number
        }
        let whose = user == nil ? "" : "user = ? AND "
        var arguments: StatementArguments = user.map { [$0.rawValue] } ?? []
        arguments += [before, limit]
        return try Row.fetchAll(
            database, sql: "SELECT * FROM trainingJob WHERE \(whose)number < ? ORDER BY number DESC LIMIT ?",
            arguments: arguments
        ).map(TrainingJob.init)
    }

    /// Jobs that have not ended, the oldest first.
    ///
    /// - Parameter unreadable: called with what is wrong with one that cannot be read, which is left out.
    static func open(_ database: Database, unreadable: (any Error) -> Void = { _ in }) throws -> [TrainingJob] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM trainingJob WHERE state IN ('queued', 'running') ORDER BY number"
        ).compactMap { row in
            do { return try TrainingJob(row) } catch {
                unreadable(error)
                return nil
            }
        }
    }

    static func queuedCount(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM trainingJob WHERE state = 'queued'") ?? 0
    }

    static func begin(_ id: JobID, at now: Date, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE trainingJob SET state = 'running', started = ? WHERE id = ? AND state = 'queued'",
            arguments: [now.timeIntervalSince1970, id.description])
    }

    static func note(progress: Double, message: String, of id: JobID, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE trainingJob SET progress = ?, message = ? WHERE id = ? AND state = 'running'",
            arguments: [progress, message, id.description])
    }

    static func end(
        _ id: JobID, as state: TrainingJob.State, progress: Double, message: String, at now: Date,
        _ database: Database
    ) throws {
        try database.execute(
            sql: """
                UPDATE trainingJob SET state = ?, progress = ?, message = ?, ended = ?
                WHERE id = ? AND state IN ('queued', 'running')
                """,
            arguments: [state.rawValue, progress, message, now.timeIntervalSince1970, id.description])
    }
}

extension TrainingJob {
    init(_ row: Row) throws {
        let text: String = row["id"]
        guard let id = JobID(text), let state = State(rawValue: row["state"]),
            let tokens = try? TokenAmount(row["tokens"])
        else {
            throw JobError(.storage, "the job \(text.prefix(40)) cannot be read from the database; restore a backup")
        }
        self.init(
            id: id, user: (row["user"] as Int64?).flatMap(UserID.init),
            request: TrainingRequest(
                storedModel: row["outputModel"], description: row["description"], path: row["path"]),
            state: state, progress: row["progress"], message: row["message"],
            created: Date(timeIntervalSince1970: row["created"]),
            started: (row["started"] as Double?).map(Date.init(timeIntervalSince1970:)),
            ended: (row["ended"] as Double?).map(Date.init(timeIntervalSince1970:)), tokens: tokens,
            reservation: row["reservation"])
    }
}
