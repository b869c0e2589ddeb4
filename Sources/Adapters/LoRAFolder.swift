internal import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder with one folder for each type in it: the library's, or the bin's. Every step is atomic and durable, and none
/// replaces a file that is there.
struct LoRAFolder: Sendable {
    /// What tells whether a file is still the one that was looked at before.
    struct Stamp: Hashable, Sendable {
        var inode: UInt64
        var modifiedNanoseconds: Int64
        var sizeBytes: UInt64
    }

    /// How the names begin that files have while they come from another file system.
    private static let copyPrefix = ".copy-"
    /// How the names begin that files have between being given up and being removed.
    private static let purgedPrefix = ".purged-"

    let root: String
    let move: FileMove

    /// Opens the folder, or makes it.
    init(root: String, move: FileMove) throws {
        self.root = root
        self.move = move
        try Self.make(root)
        for type in LoRAType.allCases { try Self.make("\(root)/\(type.rawValue)") }
    }

    static func make(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw AdapterError(.fileSystem, "cannot make the folder \(path): \(error)", cause: error)
        }
    }

    func fullPath(_ path: LoRAPath) -> String { "\(root)/\(path)" }

    private func fullPath(_ type: LoRAType) -> String { "\(root)/\(type.rawValue)" }

    /// The file's stamp; nil where there is no such regular file.
    func stamp(_ path: LoRAPath) throws -> Stamp? { try Self.stamp(fullPath(path)) }

    static func stamp(_ path: String) throws -> Stamp? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw AdapterError(systemCall: errno, doing: "examine", path: path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Glibc)
            let time = status.st_mtim
        #else
            let time = status.st_mtimespec
        #endif
        return Stamp(
            inode: UInt64(status.st_ino), modifiedNanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec),
            sizeBytes: UInt64(status.st_size))
    }

    /// The files, in order. What has no safe name is not one of them.
    func paths(of type: LoRAType? = nil) throws -> [LoRAPath] {
        var paths: [LoRAPath] = []
        for type in type.map({ [$0] }) ?? LoRAType.allCases {
            paths += try names(of: type).compactMap(LoRAFileName.init(_:)).map { LoRAPath(type: type, name: $0) }
        }
        return paths.sorted()
    }

    /// What all files together have.
    func sizeBytes() throws -> UInt64 { try paths().reduce(0) { $0 + (try stamp($1)?.sizeBytes ?? 0) } }

    private func names(of type: LoRAType) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: fullPath(type))
        } catch {
            throw AdapterError(
                .fileSystem, "cannot list \(fullPath(type)): \(error); check that it can be read", cause: error)
        }
    }

    // MARK: Moving

    /// Gives the file at `source` the name `path`, or where that is taken the next version of it.
    ///
    /// A name is taken only where nothing has it: of any number at once, each gets another version.
    /// - Throws: `AdapterError`, of code `nameTaken` where versions are not wanted; `FileMove.OtherFileSystem`.
    func take(_ path: LoRAPath, for source: String, versioned: Bool) throws -> LoRAPath {
        var number = 1
        while true {
            let version = LoRAPath(type: path.type, name: path.name.version(number))
            if try move(source, to: fullPath(version)) {
                try synchronize(path.type)
                return version
            }
            guard versioned else { throw AdapterError(.nameTaken, "there is a file \(path) already") }
            number += 1
        }
    }

    /// Copies a file of another file system here, under a name that no file of the folder has.
    /// - Returns: the copy's path.
    func copy(_ source: String, for type: LoRAType) throws -> String {
        let copy = "\(fullPath(type))/\(Self.copyPrefix)\(UUID().uuidString)"
        try FileMove.copy(source, to: copy)
        return copy
    }

    /// Makes the names of one type durable.
    func synchronize(_ type: LoRAType) throws { try Self.synchronize(fullPath(type)) }

    // MARK: Removing

    /// Takes the name from a file that is to be removed.
    /// - Returns: its path until then.
    func setAside(_ path: LoRAPath) throws -> String {
        let aside = "\(fullPath(path.type))/\(Self.purgedPrefix)\(UUID().uuidString)"
        guard try move(fullPath(path), to: aside) else {
            throw AdapterError(.fileSystem, "cannot set \(path) aside: another file is there")
        }
        return aside
    }

    /// The paths of files that were set aside and not removed.
    func asides() throws -> [String] {
        try LoRAType.allCases.flatMap { type in
            try names(of: type).filter { $0.hasPrefix(Self.purgedPrefix) }.map { "\(fullPath(type))/\($0)" }
        }
    }

    /// Removes copies that no file was made of.
    func removeCopies() throws {
        for type in LoRAType.allCases {
            for name in try names(of: type) where name.hasPrefix(Self.copyPrefix) {
                unlink("\(fullPath(type))/\(name)")
            }
        }
    }

    /// Makes the folder's names durable.
    static func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AdapterError(systemCall: errno, doing: "open", path: path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw AdapterError(systemCall: errno, doing: "write", path: path) }
    }

    /// Removes the temporary files in `folder` that no process holds any more.
    static func removeLeftovers(in folder: String) throws {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
            close(descriptor)
        }
    }
}
