#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file of a fixed length that only its owner may read: a key.
package struct SecretFile: Sendable {
    package let path: String
    package let byteCount: Int

    package init(path: String, byteCount: Int) {
        self.path = path
        self.byteCount = byteCount
    }

    /// The content, or `nil` when the file does not exist.
    package func read() throws(ByteError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot be opened")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot be inspected") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ByteError(.unusableSecret, "\(path) is not a file: move it away, and a new key is made")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw ByteError(
                .unusableSecret,
                "\(path) holds a secret and others may read it (mode 0\(String(status.st_mode & 0o777, radix: 8))): run chmod 600 \(path)"
            )
        }
        guard status.st_size == byteCount else {
            throw ByteError(
                .unusableSecret,
                "\(path) has \(status.st_size) bytes where a key has \(byteCount): restore it, or move it away and a new key is made"
            )
        }
        var content = [UInt8](repeating: 0, count: byteCount)
        var filled = 0
        while filled < byteCount {
            let count = content.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + filled, byteCount - filled, off_t(filled))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot be read") }
            filled += count
        }
        return content
    }

    /// The content; when the file does not exist, `make` gives the content of a new one. Two processes that do this at
    /// once end with the same content.
    package func readOrCreate(_ make: () -> [UInt8]) throws(ByteError) -> [UInt8] {
        if let content = try read() { return content }
        let temporary = try writeTemporary(make())
        defer { unlink(temporary) }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw failure("cannot be created") }
        syncFolder()
        guard let content = try read() else { throw failure("vanished while it was made") }
        return content
    }

    /// Replaces the content at once or not at all.
    package func write(_ content: [UInt8]) throws(ByteError) {
        let temporary = try writeTemporary(content)
        guard rename(temporary, path) == 0 else {
            let error = failure("cannot be replaced")
            unlink(temporary)
            throw error
        }
        syncFolder()
    }

    private func writeTemporary(_ content: [UInt8]) throws(ByteError) -> String {
        precondition(content.count == byteCount)
        let temporary = "\(path).\(UInt64.random(in: .min ... .max)).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be written") }
        defer { close(descriptor) }
        var written = 0
        while written < content.count {
            let count = content.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + written, content.count - written, off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure("cannot be written")
                unlink(temporary)
                throw error
            }
            written += count
        }
        guard fsync(descriptor) == 0 else {
            let error = failure("cannot be written")
            unlink(temporary)
            throw error
        }
        return temporary
    }

    /// Makes the new name survive a power cut.
    private func syncFolder() {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private func failure(_ what: String) -> ByteError {
        ByteError(.unusableSecret, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
