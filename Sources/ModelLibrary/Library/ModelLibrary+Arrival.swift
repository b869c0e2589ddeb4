package import BLAKE3
import Crypto
import Events
import GGUF
package import Identifiers
import Logging

extension ModelLibrary {
    /// Makes ready for the bytes of a missing shard, or goes on where an earlier arrival stopped.
    ///
    /// - Returns: nil where the shard is held already.
    /// - Throws: `LibraryError`: `modelNotFound`, `badShards`, `diskFull` where the disk has no room for it, or of the file
    ///   system; `StoreError`.
    package func arrival(of shard: ShardIndex, id: ModelID) async throws -> ShardArrival? {
        _ = try model(id)
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }
        try load()
        _ = try await verifyIfTouched(model(id).manifest)
        let model = try model(id)
        let manifest = model.manifest
        guard let coming = manifest[shard: shard] else {
            throw LibraryError(.badShards, "\(id) has \(manifest.shards.count) shards, there is no shard \(shard)")
        }
        guard !model.held.contains(shard) else { return nil }
        let kept = manifest.headerRanges + model.held.compactMap { manifest[shard: $0] }.flatMap(\.ranges)
        let wanted = ByteRange.subtract(kept, from: coming.ranges)
        let parts = Set(wanted.map(\.part))
        for part in parts.sorted() where try StorageFile(path: model.paths[part], mode: .read).linkCount() > 1 {
            try await folder.makePrivate(part: part, of: manifest, keeping: kept)
            // The file is another one now, with the same held bytes.
            try record(manifest, held: model.held)
        }
        let known = try arrivals.entries().first { $0.model == id && $0.shard == shard }
        let missing = ByteRange.subtract(known?.written ?? [], from: wanted).reduce(UInt64(0)) { $0 + $1.length }
        let free = try folder.freeBytes()
        guard missing <= free else {
            throw LibraryError(
                .diskFull,
                "shard \(shard) of \(id) needs \(missing >> 20) MiB, the disk has \(free >> 20) MiB free; free some space"
            )
        }
        try arrivals.begin(model: id, shard: shard)
        return ShardArrival(
            model: id, shard: shard, wanted: wanted, written: known?.written ?? [],
            isHearsay: known?.isHearsay ?? false, manifestHash: manifest.hash,
            files: try manifest.openFiles(in: folder.modelFolder(id), mode: .write), table: arrivals)
    }

    /// Shards that began to arrive, also before the last start, and are not there yet.
    ///
    /// - Returns: with each, the bytes that are on the disk already.
    package func arriving() throws -> [(model: ModelID, shard: ShardIndex, writtenBytes: UInt64)] {
        try arrivals.entries().map { ($0.model, $0.shard, $0.written.reduce(0) { $0 + $1.length }) }
    }

    /// Gives up a shard that began to arrive, perhaps before the last start: what came of it goes back to the disk.
    package func abandon(shard: ShardIndex, id: ModelID) async throws {
        guard let known = try arrivals.entries().first(where: { $0.model == id && $0.shard == shard }) else { return }
        guard let model = try? model(id), let ranges = model.manifest[shard: shard]?.ranges else {
            return try arrivals.remove(model: id, shard: shard)
        }
        try await abandon(
            ShardArrival(
                model: id, shard: shard, wanted: ranges, written: known.written, isHearsay: known.isHearsay,
                manifestHash: model.manifestHash,
                files: try model.manifest.openFiles(in: folder.modelFolder(id), mode: .write), table: arrivals))
    }

    /// Takes a shard in whose bytes have all come.
    ///
    /// - Parameters:
    ///   - expecting: the hash that it must have, where the manifest knows none; nil when the source is beyond doubt.
    ///   - examining: called with wrong bytes before they are dropped, for ``ShardArrival/hash(of:)``.
    /// - Returns: its hash.
    /// - Throws: `LibraryError`: `damaged` where the hash is another one, in which case its bytes are dropped and it has to
    ///   come again; `modelNotFound` where the model went away meanwhile; of the file system. `CancellationError`.
    @discardableResult
    package func finish(
        _ arrival: ShardArrival, expecting: BLAKE3.Digest? = nil,
        examining: @Sendable (ShardArrival) async -> Void = { _ in }
    ) async throws -> BLAKE3.Digest {
        precondition(arrival.missing.isEmpty, "a shard cannot be finished before all of it has come")
        try arrival.save()
        let lock = try await folder.lock(arrival.model)
        defer { withExtendedLifetime(lock) {} }
        try load()
        let model = try model(arrival.model)
        guard model.manifestHash == arrival.manifestHash, var manifest = try folder.manifest(model.id),
            let shard = manifest[shard: arrival.shard], try areFiles(arrival.files, of: manifest)
        else {
            throw LibraryError(
                .sourceChanged, "\(model.id) was replaced while shard \(arrival.shard) came; fetch the shard again")
        }
        let files = try manifest.openFiles(in: folder.modelFolder(model.id), mode: .read)
        let hash = try await RangeTransfer.hash(shard.ranges, in: files, progress: { _ in })
        if let right = shard.hash ?? expecting, hash != right {
            await examining(arrival)
            try await drop(arrival)
            throw LibraryError(
                .damaged,
                "shard \(arrival.shard) of \(model.id) came with other bytes than it should have; fetch it again")
        }
        if shard.hash == nil {
            manifest.shards[arrival.shard.rawValue].hash = hash
            try folder.write(manifest, in: folder.modelFolder(model.id))
        }
        try record(manifest, held: model.held.union([arrival.shard]))
        try arrivals.remove(model: model.id, shard: arrival.shard)
        return hash
    }

    /// Gives an arrival up: what came of the shard goes back to the disk.
    package func abandon(_ arrival: ShardArrival) async throws {
        let lock = try await folder.lock(arrival.model)
        defer { withExtendedLifetime(lock) {} }
        try load()
        try await drop(arrival)
    }

    /// The caller holds the model's lock.
    private func drop(_ arrival: ShardArrival) async throws {
        guard let model = try? model(arrival.model), model.manifestHash == arrival.manifestHash,
            try areFiles(arrival.files, of: model.manifest)
        else { return try arrivals.remove(model: arrival.model, shard: arrival.shard) }
        let others = try arrivals.entries().filter { $0.model == arrival.model && $0.shard != arrival.shard }
        let manifest = model.manifest
        let needed = model.held.union(others.map(\.shard))
        let kept = manifest.headerRanges + needed.compactMap { manifest[shard: $0] }.flatMap(\.ranges)
        if !model.held.contains(arrival.shard) {
            // First the note, then the bytes: what is noted is there.
            try arrivals.record([], model: arrival.model, shard: arrival.shard)
            try await free(ByteRange.subtract(kept, from: arrival.wanted), of: model, keeping: kept)
        }
        // Where shards share bytes, wrong ones of this arrival may have got into one that was taken in meanwhile.
        var held = model.held
        for shard in held.sorted() {
            guard let known = manifest[shard: shard], !ByteRange.intersection(known.ranges, arrival.wanted).isEmpty,
                try await arrival.hash(of: known.ranges) != known.hash
            else { continue }
            held.remove(shard)
            publishDamage(shard, of: manifest)
        }
        // The files were touched by this library alone as long as the arrival was noted.
        try record(manifest, held: held)
        try arrivals.remove(model: arrival.model, shard: arrival.shard)
    }

    /// Whether those open files are the model's still.
    private func areFiles(_ files: [StorageFile], of manifest: ModelManifest) throws -> Bool {
        let current = try stamps(of: manifest)
        return try zip(files, current).allSatisfy { try $0.stamp().inode == $1.inode }
    }

    /// Compares the files of a model of which every shard is here with the publisher's SHA-256.
    ///
    /// - Returns: the names of the files that differ.
    /// - Throws: `LibraryError`, `CancellationError`.
    package func compareWithPublisher(
        id: ModelID, progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws -> [String] {
        let model = try model(id)
        guard model.isComplete else { return [] }
        let losses = losses[id]
        let files = try model.manifest.openFiles(in: folder.modelFolder(id), mode: .read)
        var different: [String] = []
        for (number, part) in model.manifest.parts.enumerated() {
            guard let expected = part.sha256 else { continue }
            var hashes = ModelHashes(shards: [])
            let found = try await hashes.read(part: number, of: files, progress: progress)
            if found != expected { different.append(part.name) }
        }
        try load()
        // What was given up meanwhile is missing in the files, and proves nothing.
        guard self.losses[id] == losses, (try? self.model(id))?.isComplete == true else { return [] }
        return different
    }
}
