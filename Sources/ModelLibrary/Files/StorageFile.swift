#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An open file of the library, closed when its last owner lets go.
///
/// Reads and writes name their position, so several threads may use one file.
final class StorageFile: Sendable {
    /// What tells whether a file is still the one that was looked at before.
    struct Stamp: Hashable, Sendable {
        var inode: UInt64
        var modifiedNanoseconds: Int64
        var sizeBytes: UInt64
    }

    enum Mode {
        case read
        case write
        /// A new file, which must not exist yet.
        case create
    }

    let path: String
    private let descriptor: Int32

    init(path: String, mode: Mode) throws {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        // O_NONBLOCK: opening a pipe must not wait for its other end.
        let descriptor = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else {
            throw LibraryError(systemCall: errno, doing: mode == .create ? "create" : "open", path: path)
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private func status() throws -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw fault("examine") }
        return status
    }

    func stamp() throws -> Stamp {
        let status = try status()
        #if canImport(Glibc)
            let time = status.st_mtim
        #else
            let time = status.st_mtimespec
        #endif
        return Stamp(
            inode: UInt64(status.st_ino), modifiedNanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec),
            sizeBytes: UInt64(status.st_size)
        )
    }

    /// Whether this is a file of bytes, and not a folder, pipe or device.
    func isRegular() throws -> Bool { try status().st_mode & S_IFMT == S_IFREG }

    /// Names that the file has; more than one when it is shared by a hard link.
    func linkCount() throws -> Int { Int(try status().st_nlink) }

    /// Bytes that the file takes on disk.
    func allocatedBytes() throws -> UInt64 { UInt64(try status().st_blocks) * 512 }

    /// Fills `buffer` from `offset` on; returns how many bytes were there, fewer only at the end.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, base + done, buffer.count - done, off_t(offset) + off_t(done))
            if count > 0 {
                done += count
            } else if count == 0 {
                break
            } else if errno != EINTR {
                throw fault("read")
            }
        }
        return done
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
        guard let base = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, base + done, bytes.count - done, off_t(offset) + off_t(done))
            if count > 0 {
                done += count
            } else if count < 0, errno != EINTR {
                throw fault("write")
            }
        }
    }

    /// Makes the file `size` bytes long; what is added is a hole.
    func resize(to size: UInt64) throws {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw fault("resize") }
    }

    /// Waits until everything written is on the disk.
    func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw fault("write") }
    }

    /// Gives the bytes back to the disk; they read as zeros afterwards. Where the disk cannot, zeros are written.
    func punchHole(at offset: UInt64, length: UInt64) throws {
        guard length > 0 else { return }
        #if os(Linux)
            // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE (linux/falloc.h)
            if let fallocate = Self.fallocate {
                if fallocate(descriptor, 0x01 | 0x02, off_t(offset), off_t(length)) == 0 { return }
                guard errno == EOPNOTSUPP else { throw fault("free parts of") }
            }
        #else
            // F_PUNCHHOLE wants whole blocks.
            let block: UInt64 = 4096
            let start = (offset + block - 1) / block * block
            let end = (offset + length) / block * block
            if start < end {
                var hole = fpunchhole_t(
                    fp_flags: 0, reserved: 0, fp_offset: off_t(start), fp_length: off_t(end - start))
                guard fcntl(descriptor, F_PUNCHHOLE, &hole) != -1 else { throw fault("free parts of") }
                try zero(at: offset, length: start - offset)
                try zero(at: end, length: offset + length - end)
                return
            }
        #endif
        try zero(at: offset, length: length)
    }

    #if os(Linux)
        /// `fallocate`, which the Glibc module leaves out because its header declares it for GNU sources only.
        private static let fallocate: (@convention(c) (Int32, Int32, off_t, off_t) -> Int32)? =
            dlsym(nil, "fallocate").map {
                unsafeBitCast($0, to: (@convention(c) (Int32, Int32, off_t, off_t) -> Int32).self)
            }
    #endif

    private func zero(at offset: UInt64, length: UInt64) throws {
        let zeros = [UInt8](repeating: 0, count: Int(min(length, 1 << 20)))
        var done: UInt64 = 0
        while done < length {
            let count = Int(min(length - done, UInt64(zeros.count)))
            try zeros.withUnsafeBytes { try write(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: offset + done) }
            done += UInt64(count)
        }
    }

    /// The parts of `range` that are not holes, in order. Where the disk does not tell, all of it.
    func dataRanges(in range: Range<UInt64>) -> [Range<UInt64>] {
        // SEEK_DATA and SEEK_HOLE (linux/fs.h; macOS swaps them).
        #if os(Linux)
            let (data, hole): (Int32, Int32) = (3, 4)
        #else
            let (data, hole) = (SEEK_DATA, SEEK_HOLE)
        #endif
        var ranges: [Range<UInt64>] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let start = lseek(descriptor, off_t(position), data)
            if start < 0 {
                // ENXIO: no data follows. Anything else: the disk cannot tell.
                if errno != ENXIO { ranges.append(position..<range.upperBound) }
                break
            }
            guard UInt64(start) < range.upperBound else { break }
            let end = lseek(descriptor, start, hole)
            let upper = end > start ? min(UInt64(end), range.upperBound) : range.upperBound
            ranges.append(max(UInt64(start), position)..<upper)
            position = upper
        }
        return ranges
    }

    /// Makes this file share all bytes of `source` copy-on-write; false where the disk cannot.
    func clone(of source: StorageFile) -> Bool {
        #if os(Linux)
            // FICLONE (linux/fs.h)
            ioctl(descriptor, 0x4004_9409, source.descriptor) == 0
        #else
            false
        #endif
    }

    private func fault(_ action: String) -> LibraryError {
        LibraryError(systemCall: errno, doing: action, path: path)
    }
}
