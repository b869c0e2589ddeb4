package import BLAKE3
package import GGUF
package import Identifiers

/// A held shard that is open to be read, for as long as ``ModelLibrary/isHeld(_:)`` says that its bytes are there.
package final class ShardReading: Sendable {
    package let model: ModelID
    package let shard: ShardIndex
    /// The shard's bytes in file order.
    package let ranges: [ByteRange]
    let manifestHash: BLAKE3.Digest
    /// The losses of the model when it was opened.
    let losses: UInt64
    private let files: [StorageFile]

    init(
        model: ModelID, shard: ModelManifest.Shard, manifestHash: BLAKE3.Digest, losses: UInt64, files: [StorageFile]
    ) {
        self.model = model
        self.shard = shard.index
        ranges = shard.ranges
        self.manifestHash = manifestHash
        self.losses = losses
        self.files = files
    }

    /// Fills `buffer` with the bytes of a part from `offset` on. They count only if the shard is still held afterwards.
    ///
    /// - Throws: `LibraryError` of the file system, or `sourceChanged` where the file ends before.
    package func read(part: Int, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws {
        precondition(files.indices.contains(part), "the caller has checked the range")
        guard try files[part].read(at: offset, into: buffer) == buffer.count else {
            throw RangeTransfer.shortened(files[part])
        }
    }
}

extension ModelLibrary {
    /// Opens a held shard for reading outside the library.
    ///
    /// - Throws: `LibraryError`: `modelNotFound`, also where the model of that id is another one, `shardNotFound`, or of the
    ///   file system.
    package func reading(
        of shard: ShardIndex, id: ModelID, manifestHash: BLAKE3.Digest
    ) throws -> ShardReading {
        try refresh()
        let model = try model(id)
        guard model.manifestHash == manifestHash else {
            throw LibraryError(.modelNotFound, "the model \(id) here is another one")
        }
        guard model.held.contains(shard), let described = model.manifest[shard: shard] else {
            throw shardNotFound(shard, of: model)
        }
        return ShardReading(
            model: id, shard: described, manifestHash: manifestHash, losses: losses[id, default: 0],
            files: try model.manifest.openFiles(in: folder.modelFolder(id), mode: .read))
    }

    /// Whether everything that was read so far was the shard's: it has been held all the time, also in the eyes of other
    /// processes.
    package func isHeld(_ reading: ShardReading) throws -> Bool {
        try refresh()
        guard let model = try? model(reading.model) else { return false }
        return losses[reading.model, default: 0] == reading.losses && model.manifestHash == reading.manifestHash
            && model.held.contains(reading.shard)
    }
}
