package import BLAKE3
package import GGUF
package import Identifiers
import Synchronization

/// A shard on its way into the library, piece by piece and in any order, from whoever has it.
///
/// The bytes go straight to their place in the model's sparse files. The shard counts as held only after
/// ``ModelLibrary/finish(_:expecting:)`` has found its hash right. What ``save()`` has written down is still there after a
/// crash, and need not come again.
package final class ShardArrival: Sendable {
    package let model: ModelID
    package let shard: ShardIndex
    /// All bytes of the shard that were not here when it began to arrive, in file order.
    package let wanted: [ByteRange]
    let manifestHash: BLAKE3.Digest
    /// The model's files in part order.
    let files: [StorageFile]
    private let table: ArrivalTable
    private let written: Mutex<[ByteRange]>
    private let hearsay: Mutex<Bool>
    /// One save at a time, so that an older state never replaces a newer one.
    private let saving = Mutex(())

    init(
        model: ModelID, shard: ShardIndex, wanted: [ByteRange], written: [ByteRange], isHearsay: Bool,
        manifestHash: BLAKE3.Digest, files: [StorageFile], table: ArrivalTable
    ) {
        self.model = model
        self.shard = shard
        self.wanted = ByteRange.joined(wanted)
        self.manifestHash = manifestHash
        self.files = files
        self.table = table
        self.written = Mutex(ByteRange.joined(written))
        hearsay = Mutex(isHearsay)
    }

    /// What has not come yet, in file order.
    package var missing: [ByteRange] { written.withLock { ByteRange.subtract($0, from: wanted) } }

    package var wantedBytes: UInt64 { wanted.reduce(0) { $0 + $1.length } }
    package var missingBytes: UInt64 { missing.reduce(0) { $0 + $1.length } }

    /// Whether some of the bytes came from others than the publisher, now or before the last start: then only a hash can
    /// prove the shard.
    package var isHearsay: Bool { hearsay.withLock { $0 } }

    /// Says that bytes of others than the publisher are about to come. It is on the disk when the call returns.
    ///
    /// - Throws: `StoreError`.
    package func noteHearsay() throws {
        try hearsay.withLock { isHearsay in
            guard !isHearsay else { return }
            try table.noteHearsay(model: model, shard: shard)
            isHearsay = true
        }
    }

    /// Puts bytes where they belong. May be called from several tasks at once.
    ///
    /// - Throws: `LibraryError`: `badShards` for bytes that are none of the shard's, or of the file system.
    package func write(_ bytes: UnsafeRawBufferPointer, part: Int, at offset: UInt64) throws {
        guard !bytes.isEmpty else { return }
        let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
        guard !overflow, wanted.contains(where: { $0.part == part && $0.offset <= offset && end <= $0.end }) else {
            throw LibraryError(
                .badShards, "\(bytes.count) bytes at \(offset) of part \(part) are none of shard \(shard) of \(model)")
        }
        try files[part].write(bytes, at: offset)
        let range = ByteRange(part: part, offset: offset, length: UInt64(bytes.count))
        written.withLock { $0 = ByteRange.joined($0 + [range]) }
    }

    /// Waits until what was written is on the disk, and writes down that it is.
    ///
    /// - Throws: `LibraryError`, `StoreError`.
    package func save() throws {
        try saving.withLock { _ in
            let written = written.withLock { $0 }
            for part in Set(wanted.map(\.part)) { try files[part].synchronize() }
            try table.record(written, model: model, shard: shard)
        }
    }

    /// The hash of bytes that have come, in the order given.
    ///
    /// - Throws: `LibraryError` of the file system, `CancellationError`.
    package func hash(of ranges: [ByteRange]) async throws -> BLAKE3.Digest {
        try await RangeTransfer.hash(ranges, in: files, progress: { _ in })
    }
}
