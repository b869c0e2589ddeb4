#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder that is open, so that what is asked of it is about it and not about what stands at its path by now; closed when its
/// last owner lets go.
final class OpenFolder: Sendable {
    /// What an entry of a folder is.
    enum Entry: Hashable {
        case folder
        case link
        /// A file, or anything else that has no entries.
        case file(sizeBytes: Int64)
    }

    private let descriptor: Int32

    /// Opens a folder at a path, through links.
    init(path: String) throws(SystemFault) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFault(number: errno) }
    }

    /// Opens an entry that is a folder itself and no link to one.
    init(_ name: String, in parent: OpenFolder) throws(SystemFault) {
        descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFault(number: errno) }
    }

    deinit { close(descriptor) }

    /// Looks at an entry itself, never at what a link leads to.
    func entry(_ name: String) throws(SystemFault) -> Entry {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw SystemFault(number: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFLNK: return .link
        default: return .file(sizeBytes: Int64(status.st_size))
        }
    }

    /// Where a link leads.
    func target(ofLink name: String) throws(SystemFault) -> String {
        var buffer = [UInt8](repeating: 0, count: ClientPath.maximumBytes + 1)
        let count = buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return -1 }
            return readlinkat(descriptor, name, start, bytes.count)
        }
        guard count >= 0 else { throw SystemFault(number: errno) }
        guard count <= ClientPath.maximumBytes, let text = String(validating: buffer[..<count], as: UTF8.self) else {
            throw SystemFault(number: ENAMETOOLONG)
        }
        return text
    }

    /// Hands every name to `body` that is UTF-8, in the disk's order, without `.` and `..`.
    func forEachName(_ body: (String) -> Void) throws(SystemFault) {
        // The stream closes its descriptor, and a duplicate would share the position.
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { throw SystemFault(number: errno) }
        guard let stream = fdopendir(copy) else {
            let number = errno
            close(copy)
            throw SystemFault(number: number)
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemFault(number: errno) }
                return
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                let bytes = UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self)
                let count = strlen(UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
                return String(validating: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
            }
            if let name, name != ".", name != ".." { body(name) }
        }
    }
}

/// The number of a system call that failed (errno(3)).
struct SystemFault: Error, Hashable {
    let number: Int32
}
