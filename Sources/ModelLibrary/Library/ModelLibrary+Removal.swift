import Events
import GGUF
package import Identifiers

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
            NodeEvent(.model(.deleted, EventModel(id: id.rawValue, name: model.manifest.name)), "Deleted \(id)")
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
        guard model.held.contains(shard) else { throw shardNotFound(shard, of: model) }
        let rest = model.held.subtracting([shard])
        let freedBytes = try await release([shard], of: model)
        events.publish(
            NodeEvent(
                .shard(
                    .deleted(freedBytes: freedBytes, remaining: rest.count), shard.rawValue,
                    EventModel(id: id.rawValue, name: manifest.name)), "Deleted shard \(shard) of \(id)"))
        return freedBytes
    }

    /// Takes shards back whose bytes turned out not to be the publisher's, and forgets the hashes that they gave.
    ///
    /// - Throws: `LibraryError` of code `modelNotFound`, or of the file system.
    package func disown(_ shards: Set<ShardIndex>, id: ModelID) async throws {
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }
        try load()
        let model = try model(id)
        let held = shards.intersection(model.held)
        var manifest = model.manifest
        // First nobody is told of the shards, then their hashes go, last their bytes: a wrong hash that stayed would keep
        // the right bytes out.
        for shard in held { try arrivals.begin(model: id, shard: shard) }
        try record(manifest, held: model.held.subtracting(held))
        for shard in shards where manifest[shard: shard] != nil { manifest.shards[shard.rawValue].hash = nil }
        try folder.write(manifest, in: folder.modelFolder(id))
        _ = try await release(held, of: model)
        for shard in shards.sorted() { publishDamage(shard, of: manifest) }
    }

    /// Stops holding shards and gives their bytes back to the disk, except those that another held or arriving shard needs
    /// too. The caller holds the model's lock.
    ///
    /// - Returns: bytes that those shards alone had.
    func release(_ shards: Set<ShardIndex>, of model: LibraryModel) async throws -> UInt64 {
        let manifest = model.manifest
        let rest = model.held.subtracting(shards)
        // As long as this is noted the files' times do not count: what stays held is held after a crash as well.
        for shard in shards { try arrivals.begin(model: model.id, shard: shard) }
        // First the record, then the bytes: what is listed is there, whenever the power goes.
        try record(manifest, held: rest)
        let arriving = try arrivals.entries().filter { $0.model == model.id }.map(\.shard)
        let needed = rest.union(Set(arriving).subtracting(shards))
        let kept = manifest.headerRanges + needed.compactMap { manifest[shard: $0] }.flatMap(\.ranges)
        let freed = ByteRange.subtract(kept, from: shards.compactMap { manifest[shard: $0] }.flatMap(\.ranges))
        try await free(freed, of: model, keeping: kept)
        try record(manifest, held: rest)
        for shard in shards { try arrivals.remove(model: model.id, shard: shard) }
        return freed.reduce(UInt64(0)) { $0 + $1.length }
    }

    /// Gives bytes back to the disk. A file that was imported by hard link stays as it is where it came from: the library
    /// gets one of its own first. The caller holds the model's lock.
    func free(_ ranges: [ByteRange], of model: LibraryModel, keeping kept: [ByteRange]) async throws {
        for part in Set(ranges.map(\.part)).sorted() {
            if try StorageFile(path: model.paths[part], mode: .read).linkCount() > 1 {
                try await folder.makePrivate(part: part, of: model.manifest, keeping: kept)
            } else {
                let own = try StorageFile(path: model.paths[part], mode: .write)
                for range in ranges where range.part == part {
                    try own.punchHole(at: range.offset, length: range.length)
                }
                try own.synchronize()
            }
        }
    }
}
