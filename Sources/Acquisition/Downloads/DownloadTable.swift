import GRDB
import Identifiers
import ModelLibrary
import Store

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The downloads that go on after a restart, and those that failed.
struct DownloadTable: Sendable {
    struct Entry: Sendable, Hashable {
        var model: ModelID
        var wanted: WantedShards
        var trigger: DownloadStatus.Trigger
        var startedAt: Date
        /// Why it failed; nil while it goes on.
        var failure: String?
    }

    private static let migrations = [
        StoreMigration("acquisition-1 downloads") { database in
            try database.execute(
                sql: """
                    CREATE TABLE acquisitionDownload (
                        model TEXT PRIMARY KEY NOT NULL,
                        wanted TEXT NOT NULL,
                        "trigger" TEXT NOT NULL,
                        startedAt REAL NOT NULL,
                        failure TEXT
                    ) STRICT, WITHOUT ROWID
                    """
            )
        },
        StoreMigration("acquisition-3 fetched shards") { database in
            try database.execute(
                sql: """
                    CREATE TABLE acquisitionFetchedShard (
                        model TEXT NOT NULL,
                        shard INTEGER NOT NULL,
                        PRIMARY KEY (model, shard)
                    ) STRICT, WITHOUT ROWID
                    """)
        },
    ]

    private let store: Store

    init(store: Store) throws {
        self.store = store
        try store.migrate(Self.migrations)
    }

    /// All entries that can be read, the oldest first.
    func entries() throws -> [Entry] {
        try store.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM acquisitionDownload ORDER BY startedAt, model").compactMap {
                guard let model = ModelID($0["model"] as String), let wanted = WantedShards(stored: $0["wanted"]),
                    let trigger = DownloadStatus.Trigger(rawValue: $0["trigger"])
                else { return nil }
                return Entry(
                    model: model, wanted: wanted, trigger: trigger,
                    startedAt: Date(timeIntervalSince1970: $0["startedAt"]), failure: $0["failure"])
            }
        }
    }

    /// Writes an entry down in place of the model's earlier one.
    func record(_ entry: Entry) throws {
        try store.write {
            try $0.execute(
                sql: "INSERT OR REPLACE INTO acquisitionDownload VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    entry.model.rawValue, entry.wanted.stored, entry.trigger.rawValue,
                    entry.startedAt.timeIntervalSince1970, entry.failure,
                ])
        }
    }

    func remove(_ model: ModelID) throws {
        try store.write {
            try $0.execute(sql: "DELETE FROM acquisitionDownload WHERE model = ?", arguments: [model.rawValue])
        }
    }

    /// Writes down that a shard was fetched, and did not come from a file of the operator's.
    func noteFetched(_ shard: ShardIndex, of model: ModelID) throws {
        try store.write {
            try $0.execute(
                sql: "INSERT OR IGNORE INTO acquisitionFetchedShard VALUES (?, ?)",
                arguments: [model.rawValue, shard.rawValue])
        }
    }

    /// The shards of a model that were fetched, whenever that was.
    func fetched(of model: ModelID) throws -> Set<ShardIndex> {
        try store.read {
            Set(
                try Int.fetchAll(
                    $0, sql: "SELECT shard FROM acquisitionFetchedShard WHERE model = ?", arguments: [model.rawValue]
                ).compactMap { ShardIndex($0) })
        }
    }

    /// Forgets what was fetched of a model.
    func forgetFetched(of model: ModelID) throws {
        try store.write {
            try $0.execute(sql: "DELETE FROM acquisitionFetchedShard WHERE model = ?", arguments: [model.rawValue])
        }
    }
}
