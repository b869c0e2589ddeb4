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

    let root: String

    /// Opens the folder, or makes it.
    init(root: String) throws {
        self.root = root
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

    /// The file's stamp; nil where there is no such regular file.
    func stamp(_ path: LoRAPath) throws -> Stamp? {
        var status = stat()
        guard lstat(fullPath(path), &status) == 0 else {
            if errno == ENOENT { return nil }
            throw AdapterError(systemCall: errno, doing: "examine", path: fullPath(path))
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
            let folder = "\(root)/\(type.rawValue)"
            do {
                let names = try FileManager.default.contentsOfDirectory(atPath: folder)
                paths += names.compactMap(LoRAFileName.init(_:)).map { LoRAPath(type: type, name: $0) }
            } catch {
                throw AdapterError(
                    .fileSystem, "cannot list \(folder): \(error); check that it can be read", cause: error)
            }
        }
        return paths.sorted()
    }

    /// Gives the file at `source` the name `path`, or where that is taken the next version of it.
    ///
    /// The name is taken by `link`, which fails where there is one already: of any number at once, each gets another version.
    /// - Throws: `AdapterError` of code `nameTaken` where versions are not wanted.
    func take(_ path: LoRAPath, for source: String, versioned: Bool) throws -> LoRAPath {
        var number = 1
        while true {
            let version = LoRAPath(type: path.type, name: path.name.version(number))
            if link(source, fullPath(version)) == 0 {
                unlink(source)
                try Self.synchronize("\(root)/\(path.type.rawValue)")
                return version
            }
            guard errno == EEXIST else {
                if errno == ENOENT { throw AdapterError(.notFound, "the file is not there any more") }
                throw AdapterError(systemCall: errno, doing: "create", path: fullPath(version))
            }
            guard versioned else { throw AdapterError(.nameTaken, "there is a file \(path) already") }
            number += 1
        }
    }

    func remove(_ path: LoRAPath) throws {
        guard unlink(fullPath(path)) == 0 else {
            if errno == ENOENT { throw AdapterError(.notFound, "there is no file \(path)") }
            throw AdapterError(systemCall: errno, doing: "remove", path: fullPath(path))
        }
        try Self.synchronize("\(root)/\(path.type.rawValue)")
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
