import Foundation
import GRDB
import Store
import Testing

struct StoreTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private static let notes = StoreMigration("notes-1 create") { database in
        try database.create(table: "note") { $0.primaryKey("text", .text) }
    }
    private static let dates = StoreMigration("notes-2 dates") { database in
        try database.alter(table: "note") { $0.add(column: "day", .integer).notNull().defaults(to: 0) }
    }

    @Test("what was written is there after opening again")
    func reopening() throws {
        try withFolder { folder in
            for expected in 0..<3 {
                let store = try Store(path: folder + "/shoal.sqlite")
                try store.migrate([Self.notes])
                #expect(try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM note") } == expected)
                try store.write { try $0.execute(sql: "INSERT INTO note VALUES (?)", arguments: ["\(expected)"]) }
            }
        }
    }

    @Test("every migration runs once, whichever domain asks")
    func migrations() throws {
        let store = try Store.inMemory()
        try store.migrate([Self.notes])
        try store.migrate([StoreMigration("other-1 create") { try $0.create(table: "other") { $0.column("id") } }])
        try store.migrate([Self.notes, Self.dates])
        try store.migrate([Self.notes, Self.dates])
        #expect(try store.read { try $0.columns(in: "note").map(\.name) } == ["text", "day"])
    }

    @Test("a failed transaction leaves nothing behind")
    func rollback() throws {
        let store = try Store.inMemory()
        try store.migrate([Self.notes])
        #expect(throws: StoreError.self) {
            try store.write { database in
                try database.execute(sql: "INSERT INTO note VALUES ('a')")
                try database.execute(sql: "INSERT INTO note VALUES ('a')")
            }
        }
        #expect(try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM note") } == 0)
    }

    @Test("a database that cannot grow says so, and keeps what it has")
    func full() throws {
        try withFolder { folder in
            let store = try Store(path: folder + "/shoal.sqlite")
            try store.migrate([Self.notes])
            try store.write { try $0.execute(sql: "INSERT INTO note VALUES ('kept')") }
            try store.write { try $0.execute(sql: "PRAGMA max_page_count = 1") }
            let error = #expect(throws: StoreError.self) {
                try store.write {
                    try $0.execute(
                        sql: "INSERT INTO note VALUES (?)", arguments: [String(repeating: "x", count: 1 << 16)])
                }
            }
            #expect(error?.code == .full)
            #expect(error?.message.contains("free some space") == true)
            #expect(try store.read { try String.fetchAll($0, sql: "SELECT text FROM note") } == ["kept"])
        }
    }

    @Test("commits are durable, and the file is its owner's alone")
    func durability() throws {
        try withFolder { folder in
            let path = folder + "/shoal.sqlite"
            let store = try Store(path: path)
            #expect(try store.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
            #expect(try store.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test("the foreign version changes with another's writes, and not with its own")
    func foreignWrites() throws {
        try withFolder { folder in
            let mine = try Store(path: folder + "/shoal.sqlite")
            let theirs = try Store(path: folder + "/shoal.sqlite")
            try mine.migrate([Self.notes])
            let before = try mine.foreignVersion()
            try mine.write { try $0.execute(sql: "INSERT INTO note VALUES ('mine')") }
            #expect(try mine.foreignVersion() == before)
            try theirs.write { try $0.execute(sql: "INSERT INTO note VALUES ('theirs')") }
            #expect(try mine.foreignVersion() != before)
        }
    }

    @Test("a file that is no database, and a missing folder, are refused with advice")
    func refusals() throws {
        try withFolder { folder in
            try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: folder + "/text"))
            let corrupt = #expect(throws: StoreError.self) { _ = try Store(path: folder + "/text") }
            #expect(corrupt?.code == .corrupt)
            let missing = #expect(throws: StoreError.self) { _ = try Store(path: folder + "/none/shoal.sqlite") }
            #expect(missing?.code == .cannotOpen)
            #expect(missing?.message.contains("check that its folder exists") == true)
        }
    }
}
