import FoundationEssentials
import GRDB
import Identifiers
import ModelLibrary
import Store

/// The records in the database.
///
/// Values that no version of this node writes do not stop it: they are told as faults, and the rest is read.
struct RecordTable: Sendable {
    /// Most prunes that are kept.
    static let keptPrunes = 1000

    private static let migrations = [
        StoreMigration("keeping-1 records") { database in
            try database.execute(
                sql: """
                    CREATE TABLE keepingModel (
                        model TEXT PRIMARY KEY NOT NULL,
                        trust TEXT,
                        policy TEXT,
                        origin TEXT,
                        isOriginHearsay INTEGER NOT NULL,
                        isDeleted INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE keepingShard (
                        model TEXT NOT NULL REFERENCES keepingModel ON DELETE CASCADE,
                        shard INTEGER NOT NULL,
                        isLocked INTEGER NOT NULL,
                        isDeleted INTEGER NOT NULL,
                        heldSince REAL,
                        lastUsed REAL,
                        pruned REAL,
                        PRIMARY KEY (model, shard)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE keepingPrune (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        model TEXT NOT NULL,
                        modelName TEXT NOT NULL,
                        shard INTEGER NOT NULL,
                        reason TEXT NOT NULL,
                        freedBytes INTEGER NOT NULL,
                        remainingShards INTEGER NOT NULL,
                        holdersBefore INTEGER NOT NULL,
                        holdersAfter INTEGER NOT NULL,
                        time REAL NOT NULL
                    ) STRICT;
                    CREATE TABLE keepingRequest (
                        model TEXT NOT NULL,
                        minute INTEGER NOT NULL,
                        count INTEGER NOT NULL,
                        PRIMARY KEY (model, minute)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE keepingSchedule (
                        one INTEGER PRIMARY KEY CHECK (one = 1),
                        schedule TEXT NOT NULL
                    ) STRICT;
                    """
            )
        }
    ]

    private let store: Store

    init(store: Store) throws {
        self.store = store
        try store.migrate(Self.migrations)
    }

    func foreignVersion() throws -> Int { try store.foreignVersion() }

    // MARK: - Models

    /// What is known of each model, and what of it cannot be read.
    func records() throws -> (records: [ModelID: ModelRecord], faults: [ModelID: AcquisitionError]) {
        try store.read { database in
            var records: [ModelID: ModelRecord] = [:]
            var faults: [ModelID: AcquisitionError] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT * FROM keepingModel") {
                guard let id = ModelID(row.text("model") ?? "") else { continue }
                var record = ModelRecord()
                do {
                    record.isDeleted = row.number("isDeleted") == 1
                    record.isOriginHearsay = row.number("isOriginHearsay") == 1
                    if let policy = try row.value("policy", as: ModelPolicy.self, id) { record.policy = policy }
                    record.origin = try row.value("origin", as: ModelOrigin.self, id)?.checked()
                    record.trust = try row.value("trust", as: ModelTrust.self, id)
                } catch let error as AcquisitionError {
                    faults[id] = error
                }
                records[id] = record
            }
            for row in try Row.fetchAll(database, sql: "SELECT * FROM keepingShard") {
                guard let id = ModelID(row.text("model") ?? ""), records[id] != nil else { continue }
                guard let index = row.number("shard").flatMap({ ShardIndex(Int(clamping: $0)) }) else {
                    faults[id] = faults[id] ?? Row.fault("shard", id)
                    continue
                }
                var shard = ModelRecord.Shard()
                shard.isLocked = row.number("isLocked") == 1
                shard.isDeleted = row.number("isDeleted") == 1
                do {
                    shard.heldSince = try row.date("heldSince", id)
                    shard.lastUsed = try row.date("lastUsed", id)
                    shard.pruned = try row.date("pruned", id)
                } catch let error as AcquisitionError {
                    faults[id] = faults[id] ?? error
                }
                records[id]?.shards[index] = shard
            }
            return (records, faults)
        }
    }

    /// Writes down what is known of a model, in place of what was.
    func save(_ record: ModelRecord, of model: ModelID) throws {
        let trust = try record.trust.map(Self.json)
        let policy = record.policy == .standard ? nil : try Self.json(record.policy)
        let origin = try record.origin.map(Self.json)
        try store.write { database in
            try database.execute(
                sql: """
                    INSERT INTO keepingModel (model, trust, policy, origin, isOriginHearsay, isDeleted)
                    VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET trust = excluded.trust, policy = excluded.policy, origin = excluded.origin,
                        isOriginHearsay = excluded.isOriginHearsay, isDeleted = excluded.isDeleted
                    """,
                arguments: [model.rawValue, trust, policy, origin, record.isOriginHearsay, record.isDeleted])
            try database.execute(sql: "DELETE FROM keepingShard WHERE model = ?", arguments: [model.rawValue])
            for (index, shard) in record.shards where !shard.isBlank {
                try database.execute(
                    sql: """
                        INSERT INTO keepingShard (model, shard, isLocked, isDeleted, heldSince, lastUsed, pruned)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        model.rawValue, index.rawValue, shard.isLocked, shard.isDeleted,
                        shard.heldSince?.timeIntervalSince1970, shard.lastUsed?.timeIntervalSince1970,
                        shard.pruned?.timeIntervalSince1970,
                    ])
            }
        }
    }

    // MARK: - Prunes

    /// Prunes, the latest first. What cannot be read is left out.
    func prunes() throws -> [PruneRecord] {
        try store.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM keepingPrune ORDER BY number DESC").compactMap { row in
                guard let model = ModelID(row.text("model") ?? ""), let time = try? row.date("time", model),
                    let shard = row.number("shard").flatMap({ ShardIndex(Int(clamping: $0)) })
                else { return nil }
                return PruneRecord(
                    model: model, modelName: row.text("modelName") ?? model.rawValue, shard: shard,
                    reason: row.text("reason") ?? "", freedBytes: UInt64(clamping: row.number("freedBytes") ?? 0),
                    remainingShards: Int(clamping: row.number("remainingShards") ?? 0),
                    holdersBefore: Int(clamping: row.number("holdersBefore") ?? 0),
                    holdersAfter: Int(clamping: row.number("holdersAfter") ?? 0), time: time)
            }
        }
    }

    func add(_ prune: PruneRecord) throws {
        try store.write { database in
            try database.execute(
                sql: """
                    INSERT INTO keepingPrune (model, modelName, shard, reason, freedBytes, remainingShards, holdersBefore,
                        holdersAfter, time)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    prune.model.rawValue, prune.modelName, prune.shard.rawValue, prune.reason,
                    Int64(clamping: prune.freedBytes), prune.remainingShards, prune.holdersBefore, prune.holdersAfter,
                    prune.time.timeIntervalSince1970,
                ])
            try database.execute(
                sql: "DELETE FROM keepingPrune WHERE number <= (SELECT max(number) FROM keepingPrune) - ?",
                arguments: [Self.keptPrunes])
        }
    }

    // MARK: - Requests

    /// Requests of each model by the minute since 1970 in which they came.
    func requests() throws -> [ModelID: [Int64: Int]] {
        try store.read { database in
            var requests: [ModelID: [Int64: Int]] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT * FROM keepingRequest") {
                guard let id = ModelID(row.text("model") ?? ""), let minute = row.number("minute"),
                    let count = row.number("count"), count > 0
                else { continue }
                requests[id, default: [:]][minute] = Int(clamping: count)
            }
            return requests
        }
    }

    /// Writes down how many requests came in that minute, and forgets those before `oldest`.
    func save(_ counts: [ModelID: Int], minute: Int64, forgettingBefore oldest: Int64) throws {
        try store.write { database in
            for (model, count) in counts {
                try database.execute(
                    sql: """
                        INSERT INTO keepingRequest (model, minute, count) VALUES (?, ?, ?)
                        ON CONFLICT DO UPDATE SET count = excluded.count
                        """,
                    arguments: [model.rawValue, minute, count])
            }
            try database.execute(sql: "DELETE FROM keepingRequest WHERE minute < ?", arguments: [oldest])
        }
    }

    // MARK: - Schedule

    /// The stored schedule; nil where none is.
    ///
    /// - Throws: `AcquisitionError` of code `badRecord`.
    func schedule() throws -> ResourceSchedule? {
        let text = try store.read { try String.fetchOne($0, sql: "SELECT schedule FROM keepingSchedule") }
        guard let text else { return nil }
        do {
            return try JSONDecoder().decode(ResourceSchedule.self, from: Data(text.utf8))
        } catch {
            throw AcquisitionError(
                .badRecord, "the stored schedule cannot be read: \(error); set it again", cause: error)
        }
    }

    func save(_ schedule: ResourceSchedule) throws {
        let text = try Self.json(schedule)
        try store.write { database in
            try database.execute(
                sql: """
                    INSERT INTO keepingSchedule (one, schedule) VALUES (1, ?)
                    ON CONFLICT DO UPDATE SET schedule = excluded.schedule
                    """,
                arguments: [text])
        }
    }

    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
}

extension Row {
    /// What cannot be read is told by its column.
    fileprivate static func fault(_ column: String, _ model: ModelID, cause: (any Error)? = nil) -> AcquisitionError {
        AcquisitionError(
            .badRecord, field: column,
            "what is stored as \(column) of \(model) cannot be read; set the model's policy again, or delete the model",
            cause: cause)
    }

    private func storage(_ column: String) -> DatabaseValue.Storage { (self[column] as DatabaseValue).storage }

    fileprivate func text(_ column: String) -> String? {
        if case .string(let text) = storage(column) { text } else { nil }
    }

    fileprivate func number(_ column: String) -> Int64? {
        if case .int64(let number) = storage(column) { number } else { nil }
    }

    fileprivate func date(_ column: String, _ model: ModelID) throws -> Date? {
        switch storage(column) {
        case .null: return nil
        case .double(let seconds) where seconds.isFinite && abs(seconds) < 1e11:
            return Date(timeIntervalSince1970: seconds)
        default: throw Self.fault(column, model)
        }
    }

    fileprivate func value<Value: Decodable>(_ column: String, as: Value.Type, _ model: ModelID) throws -> Value? {
        switch storage(column) {
        case .null: return nil
        case .string(let text):
            do {
                return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
            } catch {
                throw Self.fault(column, model, cause: error)
            }
        default: throw Self.fault(column, model)
        }
    }
}
