#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Random-access bytes: a file, or memory.
///
/// Reads do not share a file position, so any number of threads may read at once.
package protocol ByteSource: Sendable {
    /// Length in bytes.
    var byteCount: UInt64 { get }
    /// Fills `buffer` from `offset` on; returns how many bytes were there, fewer only at the end.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension ByteSource {
    /// Exactly `count` bytes from `offset`.
    /// - Throws: `ByteError` of code `pastEnd` where the source is shorter.
    package func bytes(at offset: UInt64, count: Int) throws -> [UInt8] {
        guard count >= 0, offset <= byteCount, UInt64(count) <= byteCount - offset else {
            throw ByteError(.pastEnd, "\(count) bytes are asked for past the end of \(byteCount) bytes", at: offset)
        }
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let raw = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count])
            let got = try read(at: offset, into: raw)
            guard got == count else {
                throw ByteError(.pastEnd, "the file became shorter while it was read", at: offset + UInt64(got))
            }
            initialized = count
        }
    }
}

/// Bytes in memory.
package struct MemorySource: ByteSource {
    package let bytes: [UInt8]
    /// Length that is reported; larger than `bytes.count` for a file of which only the beginning is known.
    package let byteCount: UInt64

    /// - Parameter byteCount: the whole file's length where `bytes` are just its beginning.
    package init(_ bytes: [UInt8], byteCount: UInt64? = nil) {
        self.bytes = bytes
        self.byteCount = max(byteCount ?? 0, UInt64(bytes.count))
    }

    package func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < UInt64(bytes.count) else { return 0 }
        let start = Int(offset)
        let count = min(buffer.count, bytes.count - start)
        bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
        return count
    }
}

/// A file opened for reading. The descriptor closes when the last owner lets go.
package final class FileSource: ByteSource {
    package let path: String
    /// Length when it was opened.
    package let byteCount: UInt64
    private let descriptor: Int32

    /// - Throws: `ByteError` of code `unreadable`.
    package init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.fault(path, "cannot be opened") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = Self.fault(path, "cannot be examined")
            close(descriptor)
            throw error
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ByteError(.unreadable, "this is no regular file", path: path)
        }
        self.path = path
        self.descriptor = descriptor
        self.byteCount = UInt64(status.st_size)
    }

    deinit { close(descriptor) }

    package func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset <= UInt64(Int64.max) else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + off_t(done))
            if count > 0 {
                done += count
            } else if count == 0 {
                break
            } else if errno != EINTR {
                throw Self.fault(path, "cannot be read", at: offset + UInt64(done))
            }
        }
        return done
    }

    private static func fault(_ path: String, _ what: String, at offset: UInt64? = nil) -> ByteError {
        ByteError(.unreadable, "\(what): \(String(cString: strerror(errno)))", at: offset, path: path)
    }
}
