internal import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What LoRA files may take of the disk.
package struct LoRASpaceLimits: Sendable {
    /// The most bytes that all files may have, those in the bin and those that are coming in with them; nil for any number.
    package var totalBytes: UInt64?
    /// What is to stay free of the library's disk.
    package var reserveBytes: UInt64

    package init(totalBytes: UInt64? = nil, reserveBytes: UInt64 = 0) {
        self.totalBytes = totalBytes
        self.reserveBytes = reserveBytes
    }
}

/// The room that is left for LoRA files: each upload takes what it needs of it before its bytes come.
final class LoRASpace: Sendable {
    private struct State {
        /// Of the files that there are.
        var stored: UInt64
        /// What uploads have taken, and what of that they have written.
        var coming: UInt64 = 0
        var written: UInt64 = 0
    }

    private let limits: LoRASpaceLimits
    /// What is free of the disk.
    private let freeBytes: @Sendable () throws -> UInt64
    private let state: Mutex<State>

    init(stored: UInt64, limits: LoRASpaceLimits, freeBytes: @escaping @Sendable () throws -> UInt64) {
        self.limits = limits
        self.freeBytes = freeBytes
        state = Mutex(State(stored: stored))
    }

    /// What a user may still write to the disk that `folder` is on.
    static func freeBytes(in folder: String) throws -> UInt64 {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else {
            throw AdapterError(systemCall: errno, doing: "examine the disk of", path: folder)
        }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// Takes room for bytes that are to come.
    /// - Throws: `AdapterError` of code `diskFull`.
    func take(_ bytes: UInt64) throws {
        let free = try freeBytes()
        try state.withLock { state in
            if let total = limits.totalBytes {
                let taken = state.stored + state.coming
                guard taken <= total, bytes <= total - taken else {
                    throw AdapterError(
                        .diskFull, "the LoRA files and those in the bin may have \(total) bytes together; purge the bin"
                    )
                }
            }
            // What has been taken and not written yet is free still, and is another's.
            let spoken = limits.reserveBytes + (state.coming - state.written)
            guard spoken <= free, bytes <= free - spoken else {
                throw AdapterError(
                    .diskFull, "the disk of the LoRA files has no room for the upload; free some space on it")
            }
            state.coming += bytes
        }
    }

    /// Says that bytes of taken room have been written.
    func write(_ bytes: UInt64) { state.withLock { $0.written += bytes } }

    /// Gives room back that an upload had taken.
    func give(_ bytes: UInt64, written: UInt64) {
        state.withLock { state in
            state.coming -= bytes
            state.written -= written
        }
    }

    /// Says what the files that there are take now.
    func count(stored: UInt64) { state.withLock { $0.stored = stored } }

    func add(_ bytes: UInt64) { state.withLock { $0.stored += bytes } }

    func remove(_ bytes: UInt64) { state.withLock { $0.stored -= min(bytes, $0.stored) } }
}

/// The room that one upload has taken; given back with this value, or earlier.
package final class LoRARoom: Sendable {
    /// What an upload of unknown size takes at a time.
    private static let stepBytes: UInt64 = 8 << 20

    private struct State {
        var taken: UInt64 = 0
        var written: UInt64 = 0
    }

    private let space: LoRASpace
    private let state = Mutex(State())

    /// - Throws: `AdapterError` of code `diskFull`.
    init(_ bytes: UInt64, of space: LoRASpace) throws {
        self.space = space
        try space.take(bytes)
        state.withLock { $0.taken = bytes }
    }

    deinit { giveBack() }

    /// Counts bytes that are to be written, and takes more room where what was taken is not enough.
    /// - Throws: `AdapterError` of code `diskFull`.
    func write(_ bytes: UInt64) throws {
        try state.withLock { state in
            let needed = state.written + bytes
            if needed > state.taken {
                let missing = needed - state.taken
                var more = max(missing, Self.stepBytes)
                do {
                    try space.take(more)
                } catch {
                    more = missing
                    try space.take(more)
                }
                state.taken += more
            }
            state.written = needed
            space.write(bytes)
        }
    }

    func giveBack() {
        state.withLock { state in
            space.give(state.taken, written: state.written)
            state = State()
        }
    }
}
