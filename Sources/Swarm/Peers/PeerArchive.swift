import GRDB
package import Identifiers
package import Link
package import Store

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A peer as it is remembered over restarts.
package struct ArchivedPeer: Sendable, Hashable {
    package let id: NodeID
    package var addresses: [LinkAddress]
    package var lastSeen: Date?
    /// What it is called; empty when nothing.
    package var nickname = ""
}

/// The swarm's tables: known peers, and the sequence number of this node's record.
package struct PeerArchive: Sendable {
    package static let migrations: [StoreMigration] = [
        StoreMigration("swarm-1 peers") { database in
            try database.execute(
                sql: """
                    CREATE TABLE swarm_peer (
                        id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 32),
                        addresses TEXT NOT NULL,
                        last_seen REAL
                    ) WITHOUT ROWID;
                    CREATE TABLE swarm_sequence (
                        one INTEGER PRIMARY KEY CHECK (one = 1),
                        sequence INTEGER NOT NULL
                    );
                    """)
        },
        StoreMigration("swarm-2 names") { database in
            try database.execute(sql: "ALTER TABLE swarm_peer ADD COLUMN nickname TEXT NOT NULL DEFAULT ''")
        },
    ]

    private let store: Store

    /// Migrates the tables on first use.
    package init(store: Store) {
        self.store = store
    }

    package func load() throws -> [ArchivedPeer] {
        try store.migrate(Self.migrations)
        return try store.read { database in
            try Row.fetchAll(database, sql: "SELECT id, addresses, last_seen, nickname FROM swarm_peer").compactMap {
                row in
                guard let id = NodeID(bytes: Array(row["id"] as Data)) else { return nil }
                let addresses = (row["addresses"] as String).split(separator: "\n").compactMap { LinkAddress($0) }
                let lastSeen = (row["last_seen"] as Double?).map(Date.init(timeIntervalSince1970:))
                return ArchivedPeer(id: id, addresses: addresses, lastSeen: lastSeen, nickname: row["nickname"])
            }
        }
    }

    /// Replaces what was remembered.
    package func save(_ peers: [ArchivedPeer]) throws {
        try store.migrate(Self.migrations)
        try store.write { database in
            try database.execute(sql: "DELETE FROM swarm_peer")
            for peer in peers {
                try database.execute(
                    sql: "INSERT INTO swarm_peer (id, addresses, last_seen, nickname) VALUES (?, ?, ?, ?)",
                    arguments: [
                        Data(peer.id.bytes), peer.addresses.map(\.description).joined(separator: "\n"),
                        peer.lastSeen?.timeIntervalSince1970, peer.nickname,
                    ])
            }
        }
    }

    package func loadSequence() throws -> UInt64 {
        try store.migrate(Self.migrations)
        return try store.read { database in
            UInt64(max(0, try Int64.fetchOne(database, sql: "SELECT sequence FROM swarm_sequence") ?? 0))
        }
    }

    package func saveSequence(_ sequence: UInt64) throws {
        try store.write { database in
            try database.execute(
                sql:
                    "INSERT INTO swarm_sequence (one, sequence) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence",
                arguments: [Int64(clamping: sequence)])
        }
    }
}
