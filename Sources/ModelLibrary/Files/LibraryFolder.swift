import FoundationEssentials
import Identifiers

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The folder `models`, with one folder per model; the steps that change it are atomic and durable.
///
///     models/<id>/*.gguf              the model's files
///     models/<id>/manifest.json       written last
///     models/.incoming-<id>-<random>  a model that is not complete yet
///     models/.locks/<id>              held by the process that changes the model
struct LibraryFolder: Sendable {
    private static let incomingPrefix = ".incoming-"

    let path: String

    /// Opens the folder, or makes it.
    init(path: String) throws {
        self.path = path
        try Self.makeFolder(path + "/.locks")
    }

    func modelFolder(_ id: ModelID) -> String { "\(path)/\(id)" }

    func manifestPath(_ id: ModelID) -> String { "\(path)/\(id)/\(ModelManifest.fileName)" }

    /// Waits until no other process changes the model, and keeps others from it.
    func lock(_ id: ModelID) async throws -> FileLock {
        try await FileLock.taking("\(path)/.locks/\(id)")
    }

    /// The folders that may hold models.
    func modelFolders() throws -> [String] {
        try names(in: path).filter { !$0.hasPrefix(".") && $0 != ModelID.reserved && Self.isFolder("\(path)/\($0)") }
            .sorted()
    }

    /// The stored manifest; nil where there is none.
    /// - Throws: `LibraryError` of code `badManifest`.
    func manifest(_ id: ModelID) throws -> ModelManifest? {
        guard let data = FileManager.default.contents(atPath: manifestPath(id)) else { return nil }
        let manifest = try ModelManifest(json: data)
        guard manifest.id == id else {
            throw LibraryError(
                .badManifest, "\(manifestPath(id)) is the manifest of \(manifest.id); rename the folder to that"
            )
        }
        return manifest
    }

    /// The GGUF files of a model's folder, without those that go with a model (`mmproj…`).
    func modelFiles(_ id: ModelID) throws -> [String] {
        try names(in: modelFolder(id))
            .filter { ModelManifest.isPlainFileName($0) && !$0.lowercased().hasPrefix("mmproj") }.sorted()
    }

    /// Makes a folder in which a model is put together.
    func makeIncoming(_ id: ModelID) throws -> String {
        let folder = "\(path)/\(Self.incomingPrefix)\(id)-\(Self.randomName())"
        try Self.makeFolder(folder)
        return folder
    }

    /// Makes a complete incoming folder the model's: afterwards it is there as a whole, even after a power cut.
    ///
    /// The caller has synchronized the files in it.
    func publish(_ incoming: String, as id: ModelID) throws {
        let folder = modelFolder(id)
        try Self.synchronizeFolder(incoming)
        if Self.isFolder(folder) {
            // No model: its manifest is missing or unreadable. What else lies there, such as a note on where the model
            // is from, moves along.
            let doomed = doomedFolder(id)
            try Self.rename(folder, to: doomed)
            for name in try names(in: doomed) where !name.hasSuffix(".gguf") && name != ModelManifest.fileName {
                try Self.rename("\(doomed)/\(name)", to: "\(incoming)/\(name)")
            }
            try Self.rename(incoming, to: folder)
            discard(doomed)
        } else {
            try Self.rename(incoming, to: folder)
        }
        try Self.synchronizeFolder(path)
    }

    /// Puts a complete file in the place of one of the model's files.
    ///
    /// The caller has synchronized it.
    func replace(_ name: String, of id: ModelID, by file: String) throws {
        try Self.rename(file, to: "\(modelFolder(id))/\(name)")
        try Self.synchronizeFolder(modelFolder(id))
    }

    /// Writes a model's manifest: it is there as a whole or not at all.
    func write(_ manifest: ModelManifest, in folder: String) throws {
        try Self.write(manifest.json(), to: "\(folder)/\(ModelManifest.fileName)")
        try Self.synchronizeFolder(folder)
    }

    /// Removes a model's folder. From the first moment it is no model any more.
    /// - Returns: how many files were in it.
    func remove(_ id: ModelID) throws -> Int {
        let folder = modelFolder(id)
        let doomed = doomedFolder(id)
        try Self.rename(folder, to: doomed)
        try Self.synchronizeFolder(path)
        let count = try names(in: doomed).count
        discard(doomed)
        return count
    }

    /// Removes an incoming folder; what cannot be removed now goes at the next start.
    func discard(_ folder: String) {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Removes what processes that were killed left behind, unless one still works on it.
    func removeLeftovers() throws {
        for name in try names(in: path) where name.hasPrefix(Self.incomingPrefix) {
            var stem = name.dropFirst(Self.incomingPrefix.count)
            if let dash = stem.lastIndex(of: "-") { stem = stem[..<dash] }
            if stem.hasSuffix("-removed") { stem = stem.dropLast("-removed".count) }
            guard let lock = try FileLock.tryTaking("\(path)/.locks/\(stem)") else { continue }
            withExtendedLifetime(lock) { discard("\(path)/\(name)") }
        }
        for name in try modelFolders() {
            let manifest = Self.temporary(for: "\(path)/\(name)/\(ModelManifest.fileName)")
            guard access(manifest, F_OK) == 0, let lock = try FileLock.tryTaking("\(path)/.locks/\(name)") else {
                continue
            }
            withExtendedLifetime(lock) { _ = unlink(manifest) }
        }
    }

    /// Bytes that this user may still write to the disk.
    func freeBytes() throws -> UInt64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw LibraryError(systemCall: errno, doing: "examine", path: path) }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    private func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw LibraryError(.fileSystem, "cannot list \(folder): \(error); check that it can be read", cause: error)
        }
    }

    /// What a file is called while it is written.
    private static func temporary(for path: String) -> String { path + ".new" }

    private static func write(_ data: Data, to path: String) throws {
        let temporary = temporary(for: path)
        unlink(temporary)
        let file = try StorageFile(path: temporary, mode: .create)
        try data.withUnsafeBytes { try file.write($0, at: 0) }
        try file.synchronize()
        try rename(temporary, to: path)
    }

    private func doomedFolder(_ id: ModelID) -> String {
        "\(path)/\(Self.incomingPrefix)\(id)-removed-\(Self.randomName())"
    }

    private static func randomName() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36)
    }

    private static func rename(_ old: String, to new: String) throws {
        #if canImport(Glibc)
            let result = Glibc.rename(old, new)
        #else
            let result = Darwin.rename(old, new)
        #endif
        guard result == 0 else { throw LibraryError(systemCall: errno, doing: "replace", path: new) }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            // The error's own text does not tell the reason in a form that can be matched; ask again.
            mkdir(path, 0o755)
            let number = errno
            throw LibraryError(systemCall: number == EEXIST ? ENOTDIR : number, doing: "create", path: path)
        }
    }

    /// Waits until the entries of a folder are on the disk.
    private static func synchronizeFolder(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LibraryError(systemCall: errno, doing: "open", path: path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw LibraryError(systemCall: errno, doing: "write", path: path) }
    }
}
