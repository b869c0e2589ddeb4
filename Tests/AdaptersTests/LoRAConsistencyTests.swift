import Foundation
import GRDB
import Store
import Synchronization
import Testing

@testable import Adapters

@Suite("What is written down about LoRA files, and where they are,")
struct LoRAConsistencyTests {
    /// What keeps a change from being written down.
    enum Fault: String, CaseIterable, Sendable {
        /// The note is refused.
        case veto
        /// The database is full.
        case full
        /// Everything is written, and cannot be committed.
        case commit

        func prepare(_ store: Store) throws {
            try store.write { database in
                switch self {
                case .veto: break
                case .full:
                    let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                    try database.execute(sql: "PRAGMA max_page_count = \(pages + 2)")
                    try database.execute(sql: "CREATE TABLE bulk (value BLOB)")
                case .commit:
                    try database.execute(
                        sql: """
                            CREATE TABLE parent (id INTEGER PRIMARY KEY);
                            CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
                            """)
                }
            }
        }

        func note<Change: Sendable>() -> ChangeNote<Change> {
            ChangeNote { _, database in
                switch self {
                case .veto: throw Veto()
                case .full: try database.execute(sql: "INSERT INTO bulk VALUES (zeroblob(100000))")
                case .commit: try database.execute(sql: "INSERT INTO child VALUES (1)")
                }
            }
        }
    }

    private struct Veto: Error {}

    /// All that there is, on the disk and in the database.
    private static func state(_ fixture: LoRAFixture) throws -> [String] {
        let folders = ["models/loras/styles", "models/loras/.incoming", "bin/models/loras/styles"]
        let rows = try fixture.store.read { database in
            try String.fetchAll(database, sql: "SELECT place || ' ' || path FROM loraFile ORDER BY place, path")
        }
        return try folders.flatMap { folder in try fixture.names(folder).map { "\(folder)/\($0)" } } + rows
    }

    @Test("are what they were where a change cannot be written down", arguments: Fault.allCases)
    func faults(fault: Fault) async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let kept = try await library.add(LoRAFixture.safetensors(1), as: "kept.safetensors").file.path
            let deleted = try await library.add(LoRAFixture.safetensors(2), as: "deleted.safetensors").file.path
            _ = try await library.delete(deleted)
            try fault.prepare(fixture.store)
            let before = try Self.state(fixture)

            await #expect(throws: (any Error).self) {
                let upload = try await library.beginUpload(in: library.room())
                try upload.append(LoRAFixture.safetensors(3))
                let name = try LoRAFileName(safe: "new.safetensors")
                _ = try await library.finish(upload, as: name, type: .styles, note: fault.note())
            }
            #expect(try Self.state(fixture) == before)
            await #expect(throws: (any Error).self) { _ = try await library.delete(kept, note: fault.note()) }
            #expect(try Self.state(fixture) == before)
            await #expect(throws: (any Error).self) { _ = try await library.restore(deleted, note: fault.note()) }
            #expect(try Self.state(fixture) == before)
            await #expect(throws: (any Error).self) { try await library.purge(deleted, note: fault.note()) }
            #expect(try Self.state(fixture) == before)
            await #expect(throws: (any Error).self) { _ = try await library.purgeAll(note: fault.note()) }
            #expect(try Self.state(fixture) == before)
            #expect(try await library.deletedFiles().elements.map(\.original) == [deleted])
        }
    }

    @Test("are as before a process was killed between the two, whatever it was doing")
    func crash() async throws {
        try await withLoRAs { fixture in
            let (loras, bin) = ("\(fixture.root)/models/loras/styles", "\(fixture.root)/bin/models/loras/styles")
            let library = try fixture.open()
            for name in ["a", "b", "c", "d"] {
                try await library.add(LoRAFixture.safetensors(UInt8(name.utf8.first ?? 0)), as: "\(name).safetensors")
            }
            for name in ["b", "c", "d"] {
                _ = try await library.delete(LoRAPath(partialPath: "styles/\(name).safetensors"))
            }
            let files = FileManager.default
            // Of b another file is in the bin that was never written down: its purging was.
            try files.copyItem(atPath: "\(bin)/b.safetensors", toPath: "\(bin)/.purged-b")
            try Data([1]).write(to: URL(filePath: "\(loras)/.copy-a"))
            let before = try Self.state(fixture).filter { !$0.contains("/.") }

            try files.moveItem(atPath: "\(loras)/a.safetensors", toPath: "\(bin)/a.safetensors")
            try files.moveItem(atPath: "\(bin)/c.safetensors", toPath: "\(loras)/c_v2.safetensors")
            try files.moveItem(atPath: "\(bin)/d.safetensors", toPath: "\(bin)/.purged-d")
            let again = try fixture.open()
            #expect(try Self.state(fixture) == before)
            #expect(
                Set(again.recovery.movedBack.map(\.name.description)) == [
                    "a.safetensors", "c.safetensors", "d.safetensors",
                ])
            #expect(again.recovery.found.isEmpty)
            let a = try await again.file(LoRAPath(partialPath: "styles/a.safetensors"))
            #expect(a?.added == Date(timeIntervalSince1970: 1000))
            #expect(try await again.deletedFiles().elements.allSatisfy { $0.deleted != nil })
        }
    }

    @Test(
        "of a file that nothing was known of are together after the next start, and of a lost one nothing is forgotten")
    func found() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let path = try await library.add(LoRAFixture.safetensors()).file.path
            let place = "\(fixture.root)/models/loras/\(path)"
            try Data(LoRAFixture.safetensors(3)).write(
                to: URL(filePath: "\(fixture.root)/models/loras/faces/hand.safetensors"))
            try FileManager.default.moveItem(atPath: place, toPath: fixture.root + "/elsewhere")
            let second = try fixture.open()
            #expect(second.recovery.found.map(\.description) == ["faces/hand.safetensors"])
            #expect(second.recovery.movedBack.isEmpty)
            #expect(try await second.files().elements.map(\.path.description) == ["faces/hand.safetensors"])
            try FileManager.default.moveItem(atPath: fixture.root + "/elsewhere", toPath: place)
            let third = try fixture.open()
            #expect(third.recovery.found.isEmpty)
            #expect(try await third.file(path)?.added == Date(timeIntervalSince1970: 1000))
        }
    }

    @Test("An undone move goes beside what has come to its place since")
    func taken() async throws {
        try await withLoRAs { fixture in
            let path = try await fixture.open().add(LoRAFixture.safetensors(1)).file.path
            let place = "\(fixture.root)/models/loras/\(path)"
            try FileManager.default.moveItem(atPath: place, toPath: "\(fixture.root)/bin/models/loras/\(path)")
            try Data(LoRAFixture.safetensors(2)).write(to: URL(filePath: place))
            let library = try fixture.open()
            #expect(library.recovery.movedBack.map(\.description) == ["styles/my_v2.safetensors"])
            #expect(library.recovery.found == [path])
            #expect(try await library.deletedFiles().elements.isEmpty)
        }
    }

    @Test(
        "agree on file systems that cannot rename without replacing, and between two of them",
        arguments: [EINVAL, ENOSYS, EXDEV])
    func fileSystems(fault: Int32) async throws {
        try await withLoRAs { fixture in
            let move = FileMove { source, target in
                // Within one folder every file system renames.
                let folders = [source, target].map { URL(filePath: $0).deletingLastPathComponent() }
                guard fault == EXDEV, folders[0] == folders[1] else { return fault }
                return FileMove().rename(source, target)
            }
            let library = try LoRALibrary(
                dataDirectory: fixture.root, store: fixture.store, maximumFileBytes: 1 << 20, space: LoRASpaceLimits(),
                move: move,
                freeBytes: LoRASpace.freeBytes(in:), now: { 1000 })
            let bytes = LoRAFixture.safetensors(count: 50_000)
            let first = try await library.add(bytes).file
            let second = try await library.add(LoRAFixture.safetensors(2)).file
            #expect(second.path.description == "styles/my_v2.safetensors")
            #expect(await code { try await library.add(bytes, versioned: false) } == .nameTaken)
            let deleted = try await library.delete(first.path)
            #expect(deleted.deleted == Date(timeIntervalSince1970: 1000))
            let restored = try await library.restore(deleted.path)
            #expect(restored.path == first.path && restored.added == first.added)
            #expect(try Data(contentsOf: URL(filePath: restored.fullPath)) == Data(bytes))
            _ = try await library.delete(first.path)
            #expect(try await library.purgeAll() == 1)
            #expect(
                try Self.state(fixture) == [
                    "models/loras/styles/my_v2.safetensors", "library styles/my_v2.safetensors",
                ])
        }
    }

    @Test("go step by step when the bin is emptied, so that others have their turn between them")
    func steps() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            for _ in 0..<40 {
                _ = try await library.delete(try await library.add(LoRAFixture.safetensors()).file.path)
            }
            // How many files others see in the bin, each time that one is purged.
            let seen = Mutex<[Int]>([])
            let count = try await library.purgeAll(
                note: ChangeNote { [store = fixture.store] _, _ in
                    let rest = try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM loraFile") ?? 0 }
                    seen.withLock { $0.append(rest) }
                })
            #expect(count == 40)
            #expect(Set(seen.withLock { $0 }) == [40, 24, 8])
            #expect(try fixture.names("bin/models/loras/styles").isEmpty)
        }
    }
}
