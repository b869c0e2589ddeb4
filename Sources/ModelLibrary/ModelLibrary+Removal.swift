import Events
import GGUF

extension ModelLibrary {
    /// Deletes a model with all its files. A file that was imported by hard link stays where it came from.
    ///
    /// - Returns: how many files were removed.
    /// - Throws: `LibraryError` of code `modelNotFound`, or of the file system.
    @discardableResult
    package func remove(id: ModelID) async throws -> Int {
        _ = try model(id)
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }
        try load()
        let model = try model(id)
        try presence.remove(id)
        let count = try folder.remove(id)
        try load()
        events.publish(
            NodeEvent(
                category: "model", kind: "model_deleted", message: "Deleted \(id)", modelID: id.rawValue,
                modelName: model.manifest.name
            )
        )
        return count
    }

    /// Deletes one shard and gives its bytes back to the disk, except those that another held shard needs too.
    ///
    /// - Returns: bytes that the shard alone had.
    /// - Throws: `LibraryError` of code `modelNotFound`, `shardNotFound`, or of the file system.
    @discardableResult
    package func removeShard(id: ModelID, shard: ShardIndex) async throws -> UInt64 {
        _ = try model(id)
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }
        try load()
        _ = try await verifyIfTouched(model(id).manifest)
        let model = try model(id)
        let manifest = model.manifest
        guard model.held.contains(shard), let removed = manifest[shard: shard] else {
            throw shardNotFound(shard, of: model)
        }
        let rest = model.held.subtracting([shard])
        // First the record, then the bytes: what is listed is there, whenever the power goes.
        try record(manifest, held: rest)
        let needed = rest.union(try arrivals.entries().filter { $0.model == id }.map(\.shard))
        let kept = manifest.headerRanges + needed.compactMap { manifest[shard: $0] }.flatMap(\.ranges)
        let freed = ByteRange.subtract(kept, from: removed.ranges)
        for part in Set(freed.map(\.part)).sorted() {
            let file = try StorageFile(path: model.paths[part], mode: .read)
            if try file.linkCount() > 1 {
                try await folder.makePrivate(part: part, of: manifest, keeping: kept)
            } else {
                let own = try StorageFile(path: model.paths[part], mode: .write)
                for range in freed where range.part == part {
                    try own.punchHole(at: range.offset, length: range.length)
                }
                try own.synchronize()
            }
        }
        try record(manifest, held: rest)
        let freedBytes = freed.reduce(UInt64(0)) { $0 + $1.length }
        var event = NodeEvent(
            category: "shard", kind: "shard_deleted", message: "Deleted shard \(shard) of \(id)", modelID: id.rawValue,
            modelName: manifest.name, shardIndex: shard.rawValue
        )
        event.freedBytes = freedBytes
        event.remainingLocalShards = rest.count
        events.publish(event)
        return freedBytes
    }
}
