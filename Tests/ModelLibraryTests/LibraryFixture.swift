import Events
import Foundation
import Identifiers
import Logging
import ModelLibrary
import Store
import Synchronization
import Testing

/// A data folder of its own with a library in it, beside it a folder for files to import.
struct LibraryFixture {
    let root: String
    let events = EventBus()

    var models: String { root + "/data/models" }
    var outside: String { root + "/outside" }

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("library-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: root + "/data", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
    }

    /// Opens the library as a process of its own would.
    func open() async throws -> ModelLibrary {
        try await ModelLibrary.open(
            directory: models, store: Store(path: root + "/data/shoal.sqlite"), events: events
        )
    }

    /// Writes a test model outside the library.
    func write(_ model: TestModel = TestModel(), as name: String = "Tiny.Q4_K_M.gguf") throws -> String {
        let path = "\(outside)/\(name)"
        try model.write(to: path)
        return path
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: root)
    }

    /// The names in the models folder, without that of the locks.
    func entries() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: models).filter { $0 != ".locks" }.sorted()
    }

    /// Loses what the database knows, as if the process had been killed before it was written.
    func loseDatabase() throws {
        try FileManager.default.removeItem(atPath: root + "/data/shoal.sqlite")
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: root + "/data/shoal.sqlite" + suffix)
        }
    }
}

func withLibrary(_ body: (LibraryFixture) async throws -> Void) async throws {
    let fixture = try LibraryFixture()
    defer { fixture.remove() }
    try await body(fixture)
}

func contents(_ path: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path)))
}

/// Changes one byte of a file in place.
func flipByte(of path: String, at offset: UInt64) throws {
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    try handle.seek(toOffset: offset)
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: offset)
    try handle.write(contentsOf: Data([byte ^ 0x40]))
    try handle.close()
}

func indices(_ numbers: Int...) -> Set<ShardIndex> {
    Set(numbers.compactMap { ShardIndex($0) })
}

/// Keeps what is logged, to be asked about.
final class LogRecorder: Sendable {
    private let state = Mutex<[String]>([])

    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    var messages: [String] { state.withLock { $0 } }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { recorder.state.withLock { $0.append("\(event.message)") } }
    }
}
