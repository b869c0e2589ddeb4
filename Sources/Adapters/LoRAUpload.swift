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
    }

    /// The temporary file.
    let path: String
    private let maximumBytes: UInt64
    private let room: LoRARoom
    private let state: Mutex<State>

    /// Makes the temporary file, which is locked as long as the upload lasts.
    init(path: String, maximumBytes: UInt64, room: LoRARoom) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw AdapterError(systemCall: errno, doing: "create", path: path) }
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        self.path = path
        self.maximumBytes = maximumBytes
        self.room = room
        state = Mutex(State(descriptor: descriptor))
    }

    deinit { cancel() }

    /// How many bytes have come.
    package var byteCount: UInt64 { state.withLock { $0.byteCount } }

    /// Writes bytes that follow those before. Waits for the disk; pieces of some hundred kilobytes are the fastest.
    ///
    /// - Throws: `AdapterError` of code `tooLarge` for the first byte too many, `diskFull`, `fileSystem`, or `uploadEnded`.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            guard state.descriptor >= 0 else { throw AdapterError(.uploadEnded, "the upload has ended") }
            guard UInt64(bytes.count) <= maximumBytes - state.byteCount else {
                throw AdapterError(.tooLarge, "the file is larger than \(maximumBytes) bytes")
            }
            try room.write(UInt64(bytes.count))
            try write(bytes, to: state.descriptor)
            state.byteCount += UInt64(bytes.count)
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = UnsafeRawBufferPointer(rebasing: rest)
            #if canImport(Glibc)
                let count = Glibc.write(descriptor, slice.baseAddress, slice.count)
            #else
                let count = Darwin.write(descriptor, slice.baseAddress, slice.count)
            #endif
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno != EINTR {
                throw AdapterError(systemCall: errno, doing: "write", path: path)
            }
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
        room.giveBack()
    }

    /// Waits until every byte is on the disk.
    /// - Returns: how many there are.
    func complete() throws -> UInt64 {
        try state.withLock { state in
            guard state.descriptor >= 0 else { throw AdapterError(.uploadEnded, "the upload has ended") }
            guard fsync(state.descriptor) == 0 else {
                throw AdapterError(systemCall: errno, doing: "write", path: path)
            }
            return state.byteCount
        }
    }
}
