import BLAKE3
import GGUF

/// Reads byte ranges of open files in pieces, to hash or to copy them, giving way to other tasks in between.
enum RangeTransfer {
    /// Bytes handled at a time.
    private static let pieceBytes = 4 << 20

    /// The hash of `ranges`, one after the other in file order.
    ///
    /// - Parameters:
    ///   - files: the model's files in part order.
    ///   - progress: called with the bytes hashed since the last call.
    /// - Throws: `LibraryError`; `CancellationError`.
    static func hash(
        _ ranges: [ByteRange], in files: [StorageFile], progress: @Sendable (UInt64) -> Void
    ) async throws -> BLAKE3.Digest {
        var hash = BLAKE3()
        var buffer = [UInt8](repeating: 0, count: Int(min(UInt64(pieceBytes), ranges.map(\.length).max() ?? 0)))
        for range in ranges.sorted() {
            var offset = range.offset
            while offset < range.end {
                try Task.checkCancellation()
                let count = Int(min(range.end - offset, UInt64(buffer.count)))
                let file = files[range.part]
                let got = try buffer.withUnsafeMutableBytes { bytes in
                    let got = try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]))
                    hash.update(UnsafeRawBufferPointer(rebasing: bytes[..<got]))
                    return got
                }
                guard got == count else { throw shortened(file) }
                offset += UInt64(count)
                progress(UInt64(count))
                await Task.yield()
            }
        }
        return hash.finalize()
    }

    /// Copies `ranges` of one file to the same place of another, leaving out what is a hole.
    ///
    /// - Parameter progress: called with the bytes dealt with since the last call, holes included.
    /// - Returns: bytes written.
    /// - Throws: `LibraryError`; `CancellationError`.
    static func copy(
        _ ranges: [Range<UInt64>], from source: StorageFile, to target: StorageFile,
        progress: @Sendable (UInt64) -> Void
    ) async throws -> UInt64 {
        var buffer = [UInt8](repeating: 0, count: pieceBytes)
        var written: UInt64 = 0
        for range in ranges {
            var position = range.lowerBound
            for data in source.dataRanges(in: range) {
                progress(data.lowerBound - position)
                position = data.lowerBound
                while position < data.upperBound {
                    try Task.checkCancellation()
                    let count = Int(min(data.upperBound - position, UInt64(pieceBytes)))
                    let got = try buffer.withUnsafeMutableBytes { bytes in
                        let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                        let got = try source.read(at: position, into: piece)
                        try target.write(UnsafeRawBufferPointer(rebasing: piece[..<got]), at: position)
                        return got
                    }
                    guard got == count else { throw shortened(source) }
                    position += UInt64(count)
                    written += UInt64(count)
                    progress(UInt64(count))
                    await Task.yield()
                }
            }
            progress(range.upperBound - position)
        }
        return written
    }

    static func shortened(_ file: StorageFile) -> LibraryError {
        LibraryError(
            .sourceChanged, "\(file.path) became shorter while it was read; try again when nobody writes to it")
    }
}
