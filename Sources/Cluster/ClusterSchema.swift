import GRDB
import Store

/// The tables of this domain.
enum ClusterSchema {
    static func prepare(_ store: Store) throws {
        try store.migrate([nodes])
    }

    /// A token is never deleted: who comes with one that was revoked has to be told so, and its id never becomes another's.
    /// `retired` counts the jobs of nodes that were forgotten.
    private static let nodes = StoreMigration("cluster-1 nodes") { database in
        try database.execute(
            sql: """
                CREATE TABLE clusterToken (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    name TEXT NOT NULL,
                    key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
                    shown TEXT NOT NULL UNIQUE,
                    created REAL NOT NULL,
                    used REAL,
                    revoked REAL,
                    retired INTEGER NOT NULL DEFAULT 0
                ) STRICT;

                CREATE TABLE clusterNode (
                    token INTEGER NOT NULL REFERENCES clusterToken,
                    hostname TEXT NOT NULL,
                    node BLOB NOT NULL CHECK (length(node) = 32),
                    completed INTEGER NOT NULL,
                    seen REAL NOT NULL,
                    weight INTEGER NOT NULL,
                    gpus TEXT NOT NULL,
                    address TEXT NOT NULL,
                    PRIMARY KEY (token, hostname, node)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE clusterDriver (
                    token INTEGER NOT NULL REFERENCES clusterToken,
                    hostname TEXT NOT NULL,
                    driver TEXT NOT NULL CHECK (driver IN ('cuda', 'rocm')),
                    PRIMARY KEY (token, hostname)
                ) STRICT, WITHOUT ROWID;
                """)
    }
}
