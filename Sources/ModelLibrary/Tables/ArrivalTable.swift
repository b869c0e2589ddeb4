import GGUF
import GRDB
import Identifiers
import Store

/// Which shards are arriving, and which of their bytes are on the disk already.
struct ArrivalTable: Sendable {
    /// A shard that began to arrive and is not there yet.
    struct Entry: Hashable {
        var model: ModelID
        var shard: ShardIndex
        /// What is on the disk, joined, in file order.
        var written: [ByteRange]
        /// Some of it came from others than the publisher.
        var isHearsay = false
    }

    private static let migrations = [
        StoreMigration("library-2 arrivals") { database in
            try database.execute(
                sql: """
                    CREATE TABLE libraryArrival (
                        model TEXT NOT NULL REFERENCES libraryModel ON DELETE CASCADE,
                        shard INTEGER NOT NULL,
                        PRIMARY KEY (model, shard)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE libraryArrivedRange (
                        model TEXT NOT NULL,
                        shard INTEGER NOT NULL,
                        part INTEGER NOT NULL,
                        offset INTEGER NOT NULL,
                        length INTEGER NOT NULL,
                        PRIMARY KEY (model, shard, part, offset),
                        FOREIGN KEY (model, shard) REFERENCES libraryArrival ON DELETE CASCADE
                    ) STRICT, WITHOUT ROWID;
                    """
            )
        },
        StoreMigration("library-3 hearsay") { database in
            try database.execute(
                sql: "ALTER TABLE libraryArrival ADD COLUMN isHearsay INTEGER NOT NULL DEFAULT 0")
        },
    ]

    private let store: Store

    init(store: Store) throws {
        self.store = store
        try store.migrate(Self.migrations)
    }

    /// All arrivals, by model and shard.
    func entries() throws -> [Entry] {
        try store.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM libraryArrival ORDER BY model, shard").compactMap { row in
                guard let model = ModelID(row["model"] as String), let shard = ShardIndex(row["shard"] as Int) else {
                    return nil
                }
                let ranges = try Row.fetchAll(
                    database,
                    sql: "SELECT * FROM libraryArrivedRange WHERE model = ? AND shard = ? ORDER BY part, offset",
                    arguments: [model.rawValue, shard.rawValue])
                return Entry(
                    model: model, shard: shard,
                    written: ranges.map {
                        ByteRange(
                            part: $0["part"], offset: UInt64(bitPattern: $0["offset"]),
                            length: UInt64(bitPattern: $0["length"]))
                    }, isHearsay: row["isHearsay"])
            }
        }
    }

    /// Writes down that a shard is arriving; nothing changes where it is already.
    func begin(model: ModelID, shard: ShardIndex) throws {
        try store.write {
            try $0.execute(
                sql: "INSERT INTO libraryArrival (model, shard) VALUES (?, ?) ON CONFLICT DO NOTHING",
                arguments: [model.rawValue, shard.rawValue])
        }
    }

    /// Writes down that bytes of others than the publisher are coming.
    func noteHearsay(model: ModelID, shard: ShardIndex) throws {
        try store.write {
            try $0.execute(
                sql: "UPDATE libraryArrival SET isHearsay = 1 WHERE model = ? AND shard = ?",
                arguments: [model.rawValue, shard.rawValue])
        }
    }

    /// Writes down what is on the disk, in place of what was written down before. Nothing happens where the shard is not
    /// arriving any more.
    func record(_ written: [ByteRange], model: ModelID, shard: ShardIndex) throws {
        try store.write { database in
            let key: StatementArguments = [model.rawValue, shard.rawValue]
            let isArriving = try Bool.fetchOne(
                database, sql: "SELECT 1 FROM libraryArrival WHERE model = ? AND shard = ?", arguments: key)
            guard isArriving != nil else { return }
            try database.execute(
                sql: "DELETE FROM libraryArrivedRange WHERE model = ? AND shard = ?", arguments: key)
            for range in written {
                try database.execute(
                    sql: "INSERT INTO libraryArrivedRange VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        model.rawValue, shard.rawValue, range.part, Int64(bitPattern: range.offset),
                        Int64(bitPattern: range.length),
                    ])
            }
        }
    }

    /// Forgets an arrival.
    func remove(model: ModelID, shard: ShardIndex) throws {
        try store.write {
            try $0.execute(
                sql: "DELETE FROM libraryArrival WHERE model = ? AND shard = ?",
                arguments: [model.rawValue, shard.rawValue])
        }
    }
}
