internal import CFiles
internal import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How a file gets another name that nothing has yet: in one step, which a crash leaves done or not done.
struct FileMove: Sendable {
    /// The file is to go to another file system, where no name can be given to it.
    struct OtherFileSystem: Error {}

    /// Renames, and fails with `EEXIST` where the new name is taken; the error number, or 0.
    ///
    /// Tests put in what other file systems answer.
    var rename: @Sendable (_ source: String, _ target: String) -> Int32 = { shoal_rename_to_new($0, $1) }

    /// - Returns: whether the name was free.
    /// - Throws: `OtherFileSystem`; `AdapterError`.
    func callAsFunction(_ source: String, to target: String) throws -> Bool {
        var fault = rename(source, target)
        // Network file systems and older kernels know no renaming that replaces nothing.
        if fault == EINVAL || fault == ENOSYS { fault = Self.link(source, target) }
        switch fault {
        case 0: return true
        case EEXIST: return false
        case EXDEV: throw OtherFileSystem()
        case ENOENT: throw AdapterError(.notFound, "the file is not there any more")
        default: throw AdapterError(systemCall: fault, doing: "create", path: target)
        }
    }

    /// In two steps: between them the file has both names.
    private static func link(_ source: String, _ target: String) -> Int32 {
        #if canImport(Glibc)
            guard Glibc.link(source, target) == 0 else { return errno }
        #else
            guard Darwin.link(source, target) == 0 else { return errno }
        #endif
        unlink(source)
        return 0
    }

    /// Copies a file, with the time when it was last written, to one that is new, and waits until it is on the disk.
    static func copy(_ source: String, to target: String) throws {
        let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw AdapterError(systemCall: errno, doing: "open", path: source) }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard output >= 0 else { throw AdapterError(systemCall: errno, doing: "create", path: target) }
        defer { close(output) }
        do {
            try copy(input, source, to: output, target)
        } catch {
            unlink(target)
            throw error
        }
    }

    private static func copy(_ input: Int32, _ source: String, to output: Int32, _ target: String) throws {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { piece.deallocate() }
        while true {
            let count = read(input, piece.baseAddress, piece.count)
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw AdapterError(systemCall: errno, doing: "read", path: source)
            }
            if count == 0 { break }
            var rest = piece[..<count]
            while !rest.isEmpty {
                let slice = UnsafeRawBufferPointer(rebasing: rest)
                let written = write(output, slice.baseAddress, slice.count)
                if written < 0, errno != EINTR {
                    throw AdapterError(systemCall: errno, doing: "write", path: target)
                }
                rest = rest.dropFirst(max(written, 0))
            }
        }
        var status = stat()
        guard fstat(input, &status) == 0 else { throw AdapterError(systemCall: errno, doing: "examine", path: source) }
        #if canImport(Glibc)
            let times = [status.st_atim, status.st_mtim]
        #else
            let times = [status.st_atimespec, status.st_mtimespec]
        #endif
        guard futimens(output, times) == 0, fsync(output) == 0 else {
            throw AdapterError(systemCall: errno, doing: "write", path: target)
        }
    }
}
