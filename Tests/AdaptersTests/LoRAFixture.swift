import Adapters
import Foundation
import Store

/// A data folder of its own with a library in it.
struct LoRAFixture {
    let root: String
    let store: Store

    var incoming: String { root + "/models/loras/.incoming" }

    init() throws {
        root = FileManager.default.temporaryDirectory.appending(path: "adapters-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        store = try Store(path: root + "/shoal.sqlite")
    }

    func open(maximumFileBytes: UInt64 = 10_000_000, now: Double = 1000) throws -> LoRALibrary {
        try LoRALibrary(dataDirectory: root, store: store, maximumFileBytes: maximumFileBytes, now: { now })
    }

    /// A safetensors file with one tensor of `count` bytes, each of them `byte`.
    static func safetensors(_ byte: UInt8 = 1, count: Int = 16) -> [UInt8] {
        let header = Array(#"{"w":{"dtype":"U8","shape":[\#(count)],"data_offsets":[0,\#(count)]}}"#.utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
            + [UInt8](repeating: byte, count: count)
    }

    /// The names under a folder of the data folder.
    func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").sorted()
    }
}

extension LoRALibrary {
    /// Uploads in pieces of a thousand bytes.
    @discardableResult
    func add(
        _ bytes: [UInt8], as name: String = "my.safetensors", type: LoRAType = .styles, versioned: Bool = true
    ) async throws -> StoredLoRA {
        let upload = try beginUpload(in: room())
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            try upload.append(Array(bytes[start..<min(start + 1000, bytes.count)]))
        }
        return try await finish(upload, as: LoRAFileName(safe: name), type: type, versioned: versioned)
    }
}

func withLoRAs(_ body: (LoRAFixture) async throws -> Void) async throws {
    let fixture = try LoRAFixture()
    defer { try? FileManager.default.removeItem(atPath: fixture.root) }
    try await body(fixture)
}

/// The code of the error that `body` throws; nil where it throws none or another.
func code(_ body: () async throws -> Void) async -> AdapterError.Code? {
    do {
        try await body()
        return nil
    } catch { return (error as? AdapterError)?.code }
}
