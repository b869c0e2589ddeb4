import FoundationEssentials
import GRDB
import Store

/// What is known of the files besides what the disk says: their hashes, and for those in the bin where they were and since when
/// they are there.
///
/// A row counts only while the file has the stamp that is recorded, so that a file which somebody put there by hand is not taken
/// for another. Files without a row are listed all the same.
struct LoRATable: Sendable {
    enum Place: String, Sendable {
        case library
        case bin
    }

    struct Row: Sendable {
        /// In hex; empty while it is not known.
        var sha256: String
        var stamp: LoRAFolder.Stamp
        var added: Date
        /// In the bin: the path in the library, and when it was deleted.
        var original: String?
        var deleted: Date?
    }

    private static let migrations = [
        StoreMigration("adapters-1 LoRA files") { database in
            try database.execute(
                sql: """
                    CREATE TABLE loraFile (
                        place TEXT NOT NULL,
                        path TEXT NOT NULL,
                        sha256 TEXT NOT NULL,
                        inode INTEGER NOT NULL,
                        modifiedNanoseconds INTEGER NOT NULL,
                        sizeBytes INTEGER NOT NULL,
                        added REAL NOT NULL,
                        original TEXT,
                        deleted REAL,
                        PRIMARY KEY (place, path)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX loraFileHash ON loraFile (sha256);
                    """)
        },
        StoreMigration("adapters-2 sizes of LoRA files") { database in
            try database.execute(sql: "CREATE INDEX loraFileSize ON loraFile (sizeBytes)")
        },
    ]

    private let store: Store

    init(store: Store) throws {
        self.store = store
        try store.migrate(Self.migrations)
    }

    func row(_ place: Place, _ path: LoRAPath) throws -> Row? {
        try store.read { database in
            try GRDB.Row.fetchOne(
                database, sql: "SELECT * FROM loraFile WHERE place = ? AND path = ?",
                arguments: [place.rawValue, path.description]
            ).map(Self.decode)
        }
    }

    /// Paths in the library whose recorded size this is, in order.
    func paths(ofSize sizeBytes: UInt64) throws -> [(path: LoRAPath, row: Row)] {
        try paths(where: "sizeBytes = ?", [Int64(bitPattern: sizeBytes)])
    }

    /// Paths in the library whose hash is not known.
    func pathsWithoutHash() throws -> [LoRAPath] {
        try paths(where: "sha256 = ?", [""]).map(\.path)
    }

    private func paths(where condition: String, _ arguments: StatementArguments) throws -> [(path: LoRAPath, row: Row)]
    {
        try store.read { database in
            try GRDB.Row.fetchAll(
                database, sql: "SELECT * FROM loraFile WHERE place = 'library' AND \(condition) ORDER BY path",
                arguments: arguments
            ).compactMap { row in
                (try? LoRAPath(partialPath: row["path"])).map { ($0, Self.decode(row)) }
            }
        }
    }

    private static func decode(_ row: GRDB.Row) -> Row {
        Row(
            sha256: row["sha256"],
            stamp: .init(
                inode: UInt64(bitPattern: row["inode"] as Int64), modifiedNanoseconds: row["modifiedNanoseconds"],
                sizeBytes: UInt64(bitPattern: row["sizeBytes"] as Int64)),
            added: Date(timeIntervalSince1970: row["added"]), original: row["original"],
            deleted: (row["deleted"] as Double?).map(Date.init(timeIntervalSince1970:)))
    }

    /// All that is recorded.
    func rows() throws -> [(place: Place, path: LoRAPath, row: Row)] {
        try store.read { database in
            try GRDB.Row.fetchAll(database, sql: "SELECT * FROM loraFile ORDER BY place, path").compactMap { row in
                guard let place = Place(rawValue: row["place"]), let path = try? LoRAPath(partialPath: row["path"])
                else { return nil }
                return (place, path, Self.decode(row))
            }
        }
    }

    func record(_ row: Row, _ place: Place, _ path: LoRAPath) throws {
        try store.write { try Self.insert(row, place, path, $0) }
    }

    /// Runs `body` in a transaction: all that it writes is there afterwards, or nothing.
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value { try store.write(body) }

    static func insert(_ row: Row, _ place: Place, _ path: LoRAPath, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO loraFile VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                place.rawValue, path.description, row.sha256, Int64(bitPattern: row.stamp.inode),
                row.stamp.modifiedNanoseconds, Int64(bitPattern: row.stamp.sizeBytes), row.added.timeIntervalSince1970,
                row.original, row.deleted?.timeIntervalSince1970,
            ])
    }

    static func delete(_ place: Place, _ path: LoRAPath, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM loraFile WHERE place = ? AND path = ?", arguments: [place.rawValue, path.description])
    }
}
