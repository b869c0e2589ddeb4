import GRDB
package import Identifiers
import Link
package import Logging
import ModelLibrary
package import Store
import Synchronization

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What this node has seen of others as suppliers, kept over restarts.
///
/// Who sent a wrong shard is not asked for that one for a day. From the third one on it is asked for nothing until a day has
/// passed without another.
package final class PeerReputation: Sendable {
    /// What is known of one node.
    package struct Record: Sendable, Hashable {
        package var goodBytes: UInt64 = 0
        package var wrongShards = 0
        package var lastWrong: Date?
        /// Until when which shards are not asked of it.
        var quarantine: [ShardID: Date] = [:]
    }

    /// How long nobody asks again for what was wrong.
    package static let quarantineSeconds: TimeInterval = 86_400
    /// From this many wrong shards on a node is asked for nothing.
    package static let wrongShardsForAll = 3
    /// Bytes that count as one good shard.
    private static let shardBytes = Double(ModelLibrary.defaultShardSizeBytes)
    /// Good shards that one wrong one outweighs.
    private static let weightOfWrong = 4.0

    private static let migrations = [
        StoreMigration("exchange-1 reputation") { database in
            try database.execute(
                sql: """
                    CREATE TABLE exchange_peer (
                        node BLOB PRIMARY KEY NOT NULL CHECK (length(node) = 32),
                        good_bytes INTEGER NOT NULL,
                        wrong_shards INTEGER NOT NULL,
                        last_wrong REAL
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE exchange_quarantine (
                        node BLOB NOT NULL REFERENCES exchange_peer ON DELETE CASCADE,
                        model TEXT NOT NULL,
                        shard INTEGER NOT NULL,
                        until REAL NOT NULL,
                        PRIMARY KEY (node, model, shard)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    ]

    private let store: Store
    private let now: @Sendable () -> Date
    private let logger: Logger
    private let records: Mutex<[NodeID: Record]>

    /// - Parameter now: the calendar's time.
    /// - Throws: `StoreError`.
    package init(
        store: Store, now: @escaping @Sendable () -> Date = { Date() }, logger: Logger = Logger(label: "exchange")
    ) throws {
        self.store = store
        self.now = now
        self.logger = logger
        try store.migrate(Self.migrations)
        records = Mutex(try Self.load(store))
    }

    package func record(of peer: NodeID) -> Record { records.withLock { $0[peer] ?? Record() } }

    /// A peer sent so many bytes of shards that proved right.
    package func noteGood(_ bytes: UInt64, from peer: NodeID) async {
        await change(peer) { record in
            // The database's numbers end there.
            let room = UInt64(Int64.max) - record.goodBytes
            record.goodBytes += min(room, bytes)
        }
    }

    /// A peer sent a shard, or a part of one, that proved wrong.
    package func noteWrong(_ shard: ShardID, from peer: NodeID) async {
        let now = now()
        let record = await change(peer) { record in
            record.wrongShards += 1
            record.lastWrong = now
            record.quarantine = record.quarantine.filter { $0.value > now }
            record.quarantine[shard] = now.addingTimeInterval(Self.quarantineSeconds)
        }
        logger.warning(
            "a node sent a wrong shard, and is not asked for it again for a day",
            metadata: [
                "node": "\(peer.hex)", "model": "\(shard.model)", "shard": "\(shard.index)",
                "wrong_shards": "\(record.wrongShards)",
            ])
    }

    /// Whether a peer is not to be asked for a shard now.
    package func isQuarantined(_ peer: NodeID, for shard: ShardID) -> Bool {
        let now = now()
        let record = record(of: peer)
        return Self.isShunned(record, at: now) || record.quarantine[shard].map { $0 > now } ?? false
    }

    /// Trust in a peer as a supplier, from 0 to 1: 1 for who never sent anything wrong, 0 for who is asked for nothing now.
    package func score(of peer: NodeID) -> Double {
        let record = record(of: peer)
        guard record.wrongShards > 0 else { return 1 }
        guard !Self.isShunned(record, at: now()) else { return 0 }
        let good = 1 + Double(record.goodBytes) / Self.shardBytes
        return good / (good + Self.weightOfWrong * Double(record.wrongShards))
    }

    private static func isShunned(_ record: Record, at now: Date) -> Bool {
        guard record.wrongShards >= wrongShardsForAll, let last = record.lastWrong else { return false }
        return now < last.addingTimeInterval(quarantineSeconds)
    }

    @discardableResult
    private func change(_ peer: NodeID, _ change: (inout Record) -> Void) async -> Record {
        let record = records.withLock { records in
            change(&records[peer, default: Record()])
            return records[peer, default: Record()]
        }
        do {
            // What is written is what holds then: of two changes at once the later write has both.
            try await store.write { [self] database in
                try Self.save(self.record(of: peer), of: peer, in: database)
            }
        } catch {
            logger.error(
                "what is known of a node as a supplier cannot be kept: it is lost with a restart",
                metadata: ["node": "\(peer)", "reason": "\(error)"])
        }
        return record
    }

    private static func save(_ record: Record, of peer: NodeID, in database: Database) throws {
        let node = Data(peer.bytes)
        try database.execute(
            sql: """
                INSERT INTO exchange_peer VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET good_bytes = excluded.good_bytes, wrong_shards = excluded.wrong_shards,
                    last_wrong = excluded.last_wrong
                """,
            arguments: [
                node, Int64(clamping: record.goodBytes), record.wrongShards, record.lastWrong?.timeIntervalSince1970,
            ])
        try database.execute(sql: "DELETE FROM exchange_quarantine WHERE node = ?", arguments: [node])
        for (shard, until) in record.quarantine {
            try database.execute(
                sql: "INSERT INTO exchange_quarantine VALUES (?, ?, ?, ?)",
                arguments: [node, shard.model.rawValue, shard.index.rawValue, until.timeIntervalSince1970])
        }
    }

    private static func load(_ store: Store) throws -> [NodeID: Record] {
        try store.read { database in
            var records: [NodeID: Record] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT * FROM exchange_peer") {
                guard let peer = NodeID(bytes: Array(row["node"] as Data)) else { continue }
                records[peer] = Record(
                    goodBytes: UInt64(clamping: row["good_bytes"] as Int64), wrongShards: row["wrong_shards"],
                    lastWrong: (row["last_wrong"] as Double?).map(Date.init(timeIntervalSince1970:)))
            }
            for row in try Row.fetchAll(database, sql: "SELECT * FROM exchange_quarantine") {
                guard let peer = NodeID(bytes: Array(row["node"] as Data)),
                    let model = ModelID(row["model"] as String), let index = ShardIndex(row["shard"] as Int)
                else { continue }
                records[peer]?.quarantine[ShardID(model: model, index: index)] = Date(
                    timeIntervalSince1970: row["until"])
            }
            return records
        }
    }
}
