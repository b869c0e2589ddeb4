internal import Crypto
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A LoRA file on its way in: bytes go to a temporary file as they come, and no name is taken before all are there and checked.
///
/// `LoRALibrary.finish` makes it a file of the library; without that it vanishes with this value.
package final class LoRAUpload: Sendable {
    private struct State: ~Copyable {
        var descriptor: Int32
        var byteCount: UInt64 = 0
        var hash = SHA256()
    }

    /// The temporary file.
    let path: String
    private let maximumBytes: UInt64
    private let state: Mutex<State>

    /// Makes the temporary file, which is locked as long as the upload lasts.
    init(path: String, maximumBytes: UInt64) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw AdapterError(systemCall: errno, doing: "create", path: path) }
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        self.path = path
        self.maximumBytes = maximumBytes
        state = Mutex(State(descriptor: descriptor))
    }

    deinit { cancel() }

    /// How many bytes have come.
    package var byteCount: UInt64 { state.withLock { $0.byteCount } }

    /// Writes bytes that follow those before.
    ///
    /// - Throws: `AdapterError` of code `tooLarge` for the first byte too many, `diskFull`, `fileSystem`, or `uploadEnded`.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            guard state.descriptor >= 0 else { throw AdapterError(.uploadEnded, "the upload has ended") }
            guard UInt64(bytes.count) <= maximumBytes - state.byteCount else {
                throw AdapterError(.tooLarge, "the file is larger than \(maximumBytes) bytes")
            }
            var done = 0
            while done < bytes.count {
                let count = write(state.descriptor, bytes.baseAddress! + done, bytes.count - done)
                if count > 0 {
                    done += count
                } else if count < 0, errno != EINTR {
                    throw AdapterError(systemCall: errno, doing: "write", path: path)
                }
            }
            state.hash.update(bufferPointer: bytes)
            state.byteCount += UInt64(bytes.count)
        }
    }

    package func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try append($0) }
    }

    /// Gives the upload up and removes what came.
    package func cancel() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            unlink(path)
            close(state.descriptor)
            state.descriptor = -1
        }
    }

    /// Waits until every byte is on the disk.
    /// - Returns: how many there are, and their SHA-256 in hex.
    func complete() throws -> (byteCount: UInt64, sha256: String) {
        try state.withLock { state in
            guard state.descriptor >= 0 else { throw AdapterError(.uploadEnded, "the upload has ended") }
            guard fsync(state.descriptor) == 0 else {
                throw AdapterError(systemCall: errno, doing: "write", path: path)
            }
            let hex = state.hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return (state.byteCount, hex)
        }
    }
}
