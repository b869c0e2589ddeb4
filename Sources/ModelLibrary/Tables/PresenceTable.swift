import BLAKE3
import FoundationEssentials
import GRDB
import Identifiers
import Store

/// Which shards are on this disk, in the database.
///
/// A row is written only after the shard's bytes are on the disk and have the right hash, and removed before they go;
/// so what is listed is there after any crash. It counts only as long as the model is the same and its files have not
/// been touched by anybody else.
struct PresenceTable: Sendable {
    /// What is recorded of one model.
    struct Entry: Sendable, Hashable {
        var manifestHash: BLAKE3.Digest
        var added: Date
        /// The model's files as this library left them, in part order.
        var stamps: [StorageFile.Stamp]
        var held: Set<ShardIndex>

        /// Whether what is recorded holds for files with those stamps.
        ///
        /// - Parameter isArriving: shards are coming in, which changes the files' times and nothing that is held.
        func vouches(for manifest: ModelManifest, stamps now: [StorageFile.Stamp], isArriving: Bool) -> Bool {
            guard manifestHash == manifest.hash, stamps.count == now.count else { return false }
            return zip(stamps, now).allSatisfy { old, new in
                old == new || (isArriving && old.inode == new.inode && old.sizeBytes == new.sizeBytes)
            }
        }
    }

    private static let migrations = [
        StoreMigration("library-1 presence") { database in
            try database.execute(
                sql: """
                    CREATE TABLE libraryModel (
                        id TEXT PRIMARY KEY NOT NULL,
                        manifestHash TEXT NOT NULL,
                        added REAL NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE libraryPart (
                        model TEXT NOT NULL REFERENCES libraryModel ON DELETE CASCADE,
                        part INTEGER NOT NULL,
                        inode INTEGER NOT NULL,
                        modifiedNanoseconds INTEGER NOT NULL,
                        sizeBytes INTEGER NOT NULL,
                        PRIMARY KEY (model, part)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE libraryShard (
                        model TEXT NOT NULL REFERENCES libraryModel ON DELETE CASCADE,
                        shard INTEGER NOT NULL,
                        PRIMARY KEY (model, shard)
                    ) STRICT, WITHOUT ROWID;
                    """
            )
        }
    ]

    private let store: Store

    init(store: Store) throws {
        self.store = store
        try store.migrate(Self.migrations)
    }

    /// All entries.
    func entries() throws -> [ModelID: Entry] {
        try store.read { try Self.entries($0, of: nil) }
    }

    /// The entry of one model.
    func entry(of id: ModelID) throws -> Entry? {
        try store.read { try Self.entries($0, of: id)[id] }
    }

    /// - Parameter only: the model to read, nil for all.
    private static func entries(_ database: Database, of only: ModelID?) throws -> [ModelID: Entry] {
        func rows(_ table: String, key: String, order: String = "") throws -> [Row] {
            guard let only else { return try Row.fetchAll(database, sql: "SELECT * FROM \(table) \(order)") }
            return try Row.fetchAll(
                database, sql: "SELECT * FROM \(table) WHERE \(key) = ? \(order)", arguments: [only.rawValue])
        }
        var entries: [ModelID: Entry] = [:]
        for row in try rows("libraryModel", key: "id") {
            guard let id = ModelID(row["id"] as String), let hash = BLAKE3.Digest(hex: row["manifestHash"] as String)
            else { continue }
            entries[id] = Entry(
                manifestHash: hash, added: Date(timeIntervalSince1970: row["added"]), stamps: [], held: [])
        }
        for row in try rows("libraryPart", key: "model", order: "ORDER BY model, part") {
            guard let id = ModelID(row["model"] as String) else { continue }
            let stamp = StorageFile.Stamp(
                inode: UInt64(bitPattern: row["inode"]), modifiedNanoseconds: row["modifiedNanoseconds"],
                sizeBytes: UInt64(bitPattern: row["sizeBytes"])
            )
            entries[id]?.stamps.append(stamp)
        }
        for row in try rows("libraryShard", key: "model") {
            guard let id = ModelID(row["model"] as String), let shard = ShardIndex(row["shard"] as Int) else {
                continue
            }
            entries[id]?.held.insert(shard)
        }
        return entries
    }

    /// Records what is there of a model, in place of what was recorded before.
    func record(_ entry: Entry, for id: ModelID) throws {
        try store.write { database in
            try database.execute(
                sql: """
                    INSERT INTO libraryModel VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET manifestHash = excluded.manifestHash
                    """,
                arguments: [id.rawValue, entry.manifestHash.hex, entry.added.timeIntervalSince1970]
            )
            try database.execute(sql: "DELETE FROM libraryPart WHERE model = ?", arguments: [id.rawValue])
            for (part, stamp) in entry.stamps.enumerated() {
                try database.execute(
                    sql: "INSERT INTO libraryPart VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        id.rawValue, part, Int64(bitPattern: stamp.inode), stamp.modifiedNanoseconds,
                        Int64(bitPattern: stamp.sizeBytes),
                    ]
                )
            }
            try database.execute(sql: "DELETE FROM libraryShard WHERE model = ?", arguments: [id.rawValue])
            for shard in entry.held {
                try database.execute(
                    sql: "INSERT INTO libraryShard VALUES (?, ?)", arguments: [id.rawValue, shard.rawValue]
                )
            }
        }
    }

    /// Forgets a model.
    func remove(_ id: ModelID) throws {
        try store.write { try $0.execute(sql: "DELETE FROM libraryModel WHERE id = ?", arguments: [id.rawValue]) }
    }

    /// A number that changes when another process has written.
    func foreignVersion() throws -> Int {
        try store.foreignVersion()
    }
}
