internal import GRDB
internal import Identifiers
import Link
import Store

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What is kept of a cluster's nodes over restarts.
struct NodeTable: Sendable {
    private let store: Store

    init(store: Store) throws {
        try ClusterSchema.prepare(store)
        self.store = store
    }

    /// Reads everything into a registry.
    func restore(into registry: inout ClusterRegistry) throws {
        let (records, drivers, retired) = try store.read { database in
            var records: [ClusterRegistry.NodeKey: ClusterRegistry.Record] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT * FROM clusterNode") {
                let (key, record) = try Self.decode(row)
                records[key] = record
            }
            var drivers: [ClusterRegistry.DriverKey: GPUDriver] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT * FROM clusterDriver") {
                guard let hostname = Hostname(row["hostname"] as String),
                    let driver = GPUDriver(rawValue: row["driver"])
                else { throw Self.damaged(row) }
                drivers[.init(token: ClusterTokenID(stored: row["token"]), hostname: hostname)] = driver
            }
            let retired = try Int.fetchOne(database, sql: "SELECT COALESCE(SUM(retired), 0) FROM clusterToken")
            return (records, drivers, retired ?? 0)
        }
        registry.restore(records, drivers: drivers, retiredJobs: retired)
    }

    func save(_ records: [ClusterRegistry.NodeKey: ClusterRegistry.Record]) async throws {
        guard !records.isEmpty else { return }
        try await store.write { database in
            for (key, record) in records {
                try database.execute(
                    sql: """
                        INSERT INTO clusterNode (token, hostname, node, completed, seen, weight, gpus, address)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT DO UPDATE SET completed = MAX(completed, excluded.completed), seen = excluded.seen,
                            weight = excluded.weight, gpus = excluded.gpus, address = excluded.address
                        """,
                    arguments: [
                        key.token.rawValue, key.hostname.rawValue, Data(key.node.bytes), record.completedJobs,
                        record.lastSeen.timeIntervalSince1970, record.weight,
                        String(decoding: try JSONEncoder().encode(record.gpus), as: UTF8.self), record.address,
                    ])
            }
        }
    }

    /// Writes down which driver is preferred on the nodes of a host name and token.
    ///
    /// - Parameter driver: asked when it is written; nil for none.
    func saveDriver(
        of key: ClusterRegistry.DriverKey, _ driver: @escaping @Sendable () -> GPUDriver?,
        alongWith note: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        try await store.write { database in
            try note(database)
            guard let driver = driver() else {
                return try database.execute(
                    sql: "DELETE FROM clusterDriver WHERE token = ? AND hostname = ?",
                    arguments: [key.token.rawValue, key.hostname.rawValue])
            }
            try database.execute(
                sql: """
                    INSERT INTO clusterDriver (token, hostname, driver) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET driver = excluded.driver
                    """, arguments: [key.token.rawValue, key.hostname.rawValue, driver.rawValue])
        }
    }

    /// Which driver was written down.
    func driver(of key: ClusterRegistry.DriverKey) throws -> GPUDriver? {
        try store.read { database in
            try String.fetchOne(
                database, sql: "SELECT driver FROM clusterDriver WHERE token = ? AND hostname = ?",
                arguments: [key.token.rawValue, key.hostname.rawValue])
        }.flatMap { GPUDriver(rawValue: $0) }
    }

    /// Deletes nodes, and adds what they did to what their tokens count.
    func forget(_ records: [ClusterRegistry.NodeKey: ClusterRegistry.Record]) async throws {
        guard !records.isEmpty else { return }
        try await store.write { database in
            for (key, record) in records {
                let row: StatementArguments = [key.token.rawValue, key.hostname.rawValue, Data(key.node.bytes)]
                try database.execute(
                    sql: "UPDATE clusterToken SET retired = retired + ? WHERE id = ?",
                    arguments: [record.completedJobs, key.token.rawValue])
                try database.execute(
                    sql: "DELETE FROM clusterNode WHERE token = ? AND hostname = ? AND node = ?", arguments: row)
            }
        }
    }

    private static func decode(_ row: Row) throws -> (ClusterRegistry.NodeKey, ClusterRegistry.Record) {
        guard let hostname = Hostname(row["hostname"] as String), let node = NodeID(bytes: Array(row["node"] as Data)),
            let gpus = try? JSONDecoder().decode([WorkerGPU].self, from: Data((row["gpus"] as String).utf8))
        else { throw damaged(row) }
        return (
            .init(token: ClusterTokenID(stored: row["token"]), hostname: hostname, node: node),
            .init(
                completedJobs: row["completed"], lastSeen: Date(timeIntervalSince1970: row["seen"]),
                weight: row["weight"], gpus: gpus, address: row["address"])
        )
    }

    private static func damaged(_ row: Row) -> ClusterError {
        ClusterError(
            .damaged,
            "what is stored of the cluster node \(row["hostname"] as String) cannot be read; restore a backup")
    }
}
