internal import GRDB
package import Identifiers
package import Link
package import Store
import Synchronization
package import Timing

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The cluster tokens of a master: made, listed, revoked, and looked up in handshakes.
///
/// Only public keys are kept, so that who reads the database cannot join. All records are in memory as well: a handshake must not
/// wait for a disk.
package final class ClusterTokens: Sendable {
    package static let maximumNameLength = 100
    /// Active tokens that a master may have.
    package static let maximumActive = 1000

    private struct State {
        var byKey: [ClusterTokenKey: ClusterTokenRecord] = [:]
        /// Used since that was last written down.
        var used: Set<ClusterTokenKey> = []
    }

    private let store: Store
    private let clock: NodeClock
    /// The master that tokens are good for.
    private let master: NodeID
    private let state = Mutex(State())

    package init(store: Store, master: NodeID, clock: NodeClock = .system) throws {
        try ClusterSchema.prepare(store)
        self.store = store
        self.clock = clock
        self.master = master
        let records = try store.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM clusterToken").map(Self.decode)
        }
        state.withLock { state in
            for record in records { state.byKey[record.key] = record }
        }
    }

    // MARK: - Administration

    /// Makes a token.
    ///
    /// - Returns: the token as lists have it, and its text, which is shown this once.
    /// - Throws: `ClusterError` with `badValue` or `tooMany`; `StoreError`; what `note` throws.
    package func create(
        name: String, note: ChangeNote<ClusterTokenRecord> = .none
    ) async throws -> (token: ClusterTokenRecord, text: String) {
        guard (1...Self.maximumNameLength).contains(name.count), name.contains(where: { !$0.isWhitespace }),
            name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw ClusterError.badValue(
                "name", "takes 1 to \(Self.maximumNameLength) characters, none of them control characters")
        }
        let now = clock.date()
        let (made, record) = try await store.write { [master] database in
            let count = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM clusterToken WHERE revoked IS NULL")
            guard (count ?? 0) < Self.maximumActive else {
                throw ClusterError(
                    .tooMany, "there are \(Self.maximumActive) cluster tokens, and no more may be; revoke one first")
            }
            var made = ClusterToken(master: master)
            // What is shown names a token, so that no two may begin alike.
            while try Self.isShown(made.shown, database) { made = ClusterToken(master: master) }
            try database.execute(
                sql: "INSERT INTO clusterToken (name, key, shown, created) VALUES (?, ?, ?, ?)",
                arguments: [name, Data(made.key.bytes), made.shown, now.timeIntervalSince1970])
            let record = ClusterTokenRecord(
                id: ClusterTokenID(stored: database.lastInsertedRowID), name: name, key: made.key, shown: made.shown,
                created: now, lastUsed: nil, isActive: true)
            try note.write(record, database)
            return (made, record)
        }
        state.withLock { $0.byKey[record.key] = record }
        return (record, made.text)
    }

    /// From here on nobody gets in with the token, whether or not it can be written down.
    ///
    /// - Throws: `ClusterError` with `tokenNotFound`.
    func suspend(_ id: ClusterTokenID) throws(ClusterError) -> ClusterTokenRecord {
        let known = try find(id)
        return state.withLock { state in
            state.byKey[known.key]?.isActive = false
            return state.byKey[known.key] ?? known
        }
    }

    /// Writes down that a token was ended for good; one that was before stays so.
    ///
    /// - Throws: `StoreError`: it would be good again after a restart, which whoever asked has to know; what `note` throws.
    func keepRevoked(_ record: ClusterTokenRecord, note: ChangeNote<ClusterTokenRecord>) async throws {
        let now = clock.date().timeIntervalSince1970
        try await store.write { database in
            try database.execute(
                sql: "UPDATE clusterToken SET revoked = ? WHERE id = ? AND revoked IS NULL",
                arguments: [now, record.id.rawValue])
            try note.write(record, database)
        }
    }

    /// All tokens, the oldest first, those that were revoked included.
    package func list() -> [ClusterTokenRecord] {
        state.withLock { Array($0.byKey.values) }.sorted { $0.id < $1.id }
    }

    /// - Throws: `ClusterError` with `tokenNotFound`.
    package func find(_ id: ClusterTokenID) throws(ClusterError) -> ClusterTokenRecord {
        guard let record = state.withLock({ $0.byKey.values.first { $0.id == id } }) else {
            throw ClusterError(.tokenNotFound, "there is no cluster token \(id)")
        }
        return record
    }

    /// The token that a text is, whole or in the form that lists show; nil where there is none.
    package func find(text: String) -> ClusterTokenRecord? {
        if let token = ClusterToken(text) { return self[token.key] }
        return state.withLock { $0.byKey.values.first { $0.shown == text } }
    }

    // MARK: - Use

    subscript(key: ClusterTokenKey) -> ClusterTokenRecord? { state.withLock { $0.byKey[key] } }

    /// What a token is worth, for `WorkerGate`.
    package func standing(_ key: ClusterTokenKey) -> WorkerGate.Standing {
        switch self[key]?.isActive {
        case true: .active
        case false: .revoked
        case nil: .unknown
        }
    }

    func noteUse(_ key: ClusterTokenKey) {
        let now = clock.date()
        state.withLock { state in
            guard state.byKey[key] != nil else { return }
            state.byKey[key]?.lastUsed = now
            state.used.insert(key)
        }
    }

    /// Writes down when tokens were last used.
    func save() throws {
        let used = state.withLock { state in
            defer { state.used = [] }
            return state.used.compactMap { state.byKey[$0] }
        }
        guard !used.isEmpty else { return }
        do {
            try store.write { database in
                for record in used {
                    try database.execute(
                        sql: "UPDATE clusterToken SET used = ? WHERE id = ?",
                        arguments: [record.lastUsed?.timeIntervalSince1970, record.id.rawValue])
                }
            }
        } catch {
            state.withLock { $0.used.formUnion(used.map(\.key)) }
            throw error
        }
    }

    private static func isShown(_ shown: String, _ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT 1 FROM clusterToken WHERE shown = ?", arguments: [shown]) != nil
    }

    private static func decode(_ row: Row) throws -> ClusterTokenRecord {
        let id: Int64 = row["id"]
        guard let key = ClusterTokenKey(bytes: Array(row["key"] as Data)) else {
            throw ClusterError(.damaged, "cluster token \(id) cannot be read; restore a backup")
        }
        return ClusterTokenRecord(
            id: ClusterTokenID(stored: id), name: row["name"], key: key, shown: row["shown"],
            created: Date(timeIntervalSince1970: row["created"]),
            lastUsed: (row["used"] as Double?).map(Date.init(timeIntervalSince1970:)),
            isActive: (row["revoked"] as Double?) == nil)
    }
}
