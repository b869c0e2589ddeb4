#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An exclusive lock that processes share through a file (`flock`); it ends with this value, or with the process.
final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Takes the lock if nobody has it; nil otherwise.
    static func tryTaking(_ path: String) throws -> FileLock? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LibraryError(systemCall: errno, doing: "lock", path: path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            if number == EWOULDBLOCK || number == EINTR { return nil }
            throw LibraryError(systemCall: number, doing: "lock", path: path)
        }
        return FileLock(descriptor: descriptor)
    }

    /// Waits for the lock.
    static func taking(_ path: String) async throws -> FileLock {
        while true {
            if let lock = try tryTaking(path) { return lock }
            // flock cannot be awaited, and blocking in it would hold up a thread of the pool.
            try await Task.sleep(for: .milliseconds(25))
        }
    }
}
