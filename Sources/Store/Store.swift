package import GRDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The node's SQLite database.
///
/// A committed write survives a power cut: the database runs in WAL mode with `synchronous = FULL`. Several processes
/// may open one file; a writer waits up to ten seconds for another.
package final class Store: Sendable {
    private let writer: any DatabaseWriter

    /// Opens the database at `path`, or makes it, readable by its owner alone.
    ///
    /// - Throws: `StoreError` when the file cannot be made or is not a database.
    package init(path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                code: .cannotOpen,
                message: "cannot open the database \(path): \(String(cString: strerror(errno))); "
                    + "check that its folder exists and may be written to",
                cause: nil
            )
        }
        close(descriptor)
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            configuration.maximumReaderCount = 2
            let pool = try DatabasePool(path: path, configuration: configuration)
            // The pool has set NORMAL, which may lose the latest commits in a power cut.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            writer = pool
        } catch {
            throw StoreError(error, doing: "open the database \(path)")
        }
    }

    private init(writer: any DatabaseWriter) {
        self.writer = writer
    }

    /// A database that lives in memory, as long as this value.
    package static func inMemory() throws -> Store {
        Store(writer: try DatabaseQueue())
    }

    /// Applies those of `migrations` that this database has not seen, in order, each in a transaction of its own.
    ///
    /// Every domain migrates its own tables; identifiers are unique over all domains.
    package func migrate(_ migrations: [StoreMigration]) throws {
        var migrator = DatabaseMigrator()
        for migration in migrations {
            migrator.registerMigration(migration.identifier, migrate: migration.body)
        }
        do {
            try migrator.migrate(writer)
        } catch {
            throw StoreError(error, doing: "bring the database up to date")
        }
    }

    /// Reads a consistent snapshot.
    package func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do { return try writer.read(body) } catch let error as DatabaseError {
            throw StoreError(error, doing: "read the database")
        }
    }

    /// Runs `body` in a transaction: all of it happens, durably, or nothing.
    package func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do { return try writer.write(body) } catch let error as DatabaseError {
            throw StoreError(error, doing: "write to the database")
        }
    }

    /// Reads a consistent snapshot without holding up the caller's thread.
    package func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do { return try await writer.read(body) } catch let error as DatabaseError {
            throw StoreError(error, doing: "read the database")
        }
    }

    /// Runs `body` in a transaction without holding up the caller's thread.
    package func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do { return try await writer.write(body) } catch let error as DatabaseError {
            throw StoreError(error, doing: "write to the database")
        }
    }

    /// A number that changes when another process has written to the database (`PRAGMA data_version`).
    package func foreignVersion() throws -> Int {
        do {
            return try writer.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
        } catch {
            throw StoreError(error, doing: "read the database")
        }
    }
}
