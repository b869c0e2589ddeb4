import BLAKE3
import Bytes
import Crypto
import GGUF

/// Works out every hash of a model while each of its files is read once, from front to back: the files' SHA-256, which
/// publishers name, and the shards' BLAKE3, which prove a piece on its own.
struct ModelHashes {
    /// A shard's range within a part.
    private struct Slice {
        let range: ByteRange
        let shard: Int
    }

    private let slices: [Slice]
    private var shards: [BLAKE3]

    /// Bytes read at a time.
    private static let pieceBytes = 4 << 20

    /// - Parameter shards: the ranges of each shard, in file order.
    init(shards: [[ByteRange]]) {
        slices = shards.enumerated().flatMap { shard, ranges in ranges.map { Slice(range: $0, shard: shard) } }
            .sorted { $0.range < $1.range }
        self.shards = shards.map { _ in BLAKE3() }
    }

    /// Reads a part; parts come in order.
    ///
    /// - Parameter progress: called with the bytes read since the last call.
    /// - Returns: its SHA-256 in hex.
    /// - Throws: `LibraryError`; `CancellationError`.
    mutating func read(
        part: Int, of files: [StorageFile], progress: @Sendable (UInt64) -> Void
    ) async throws -> String {
        let file = files[part]
        let size = try file.stamp().sizeBytes
        let slices = slices.filter { $0.range.part == part }
        var whole = SHA256()
        var buffer = [UInt8](repeating: 0, count: Int(min(UInt64(Self.pieceBytes), size)))
        var position: UInt64 = 0
        // Slices before it have ended; those that follow may have begun.
        var first = 0
        while position < size {
            try Task.checkCancellation()
            let count = Int(min(size - position, UInt64(buffer.count)))
            let got = try buffer.withUnsafeMutableBytes { bytes in
                let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                let got = try file.read(at: position, into: piece)
                whole.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece[..<got]))
                let end = position + UInt64(got)
                while first < slices.count, slices[first].range.end <= position { first += 1 }
                var index = first
                while index < slices.count, slices[index].range.offset < end {
                    let range = slices[index].range
                    let from = max(range.offset, position) - position
                    let to = min(range.end, end)
                    if to > position + from {
                        shards[slices[index].shard].update(
                            UnsafeRawBufferPointer(rebasing: piece[Int(from)..<Int(to - position)]))
                    }
                    index += 1
                }
                return got
            }
            guard got == count else { throw RangeTransfer.shortened(file) }
            position += UInt64(count)
            progress(UInt64(count))
            await Task.yield()
        }
        return whole.finalize().hexadecimal
    }

    /// The shards' hashes, once all parts are read.
    func finish() -> [BLAKE3.Digest] {
        shards.map { $0.finalize() }
    }
}
