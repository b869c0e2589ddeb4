import BLAKE3
import Events
import GGUF
package import Identifiers
import Logging

extension ModelLibrary {
    /// Looks at everything in the folder: takes in models that were put there by hand, verifies files that somebody has
    /// touched, and forgets models whose folder is gone.
    ///
    /// A model put there by hand is a folder `models/<id>/` with a `.gguf` file, or all parts of one; it gets a manifest
    /// with the default shard size. What cannot be taken in is logged and left alone.
    ///
    /// - Returns: the models that changed, in order.
    /// - Throws: `LibraryError`, `StoreError`, `CancellationError`.
    @discardableResult
    package func rescan() async throws -> [ModelID] {
        var changed = Set(try load())
        for name in try folder.modelFolders() {
            guard let id = ModelID(name) else {
                logger.warning(
                    "left out a folder whose name is no model id",
                    metadata: [
                        "folder": "\(name)", "rename it to": "\(ModelID(fileName: name)?.rawValue ?? "a model id")",
                    ]
                )
                continue
            }
            do {
                let lock = try await folder.lock(id)
                defer { withExtendedLifetime(lock) {} }
                if let manifest = try manifest(id) {
                    if try await verifyIfTouched(manifest) != nil { changed.insert(id) }
                } else if try await adopt(id) != nil {
                    changed.insert(id)
                }
            } catch let error as LibraryError {
                logger.warning("left out a model", metadata: ["model": "\(id)", "error": "\(error)"])
            }
        }
        for id in try presence.entries().keys where try manifest(id) == nil {
            try presence.remove(id)
            changed.insert(id)
        }
        changed.formUnion(try load())
        return changed.sorted()
    }

    /// Makes a model of GGUF files that lie in a model's folder without a manifest. The caller holds the model's lock.
    ///
    /// - Returns: nil where there are none.
    func adopt(_ id: ModelID) async throws -> ModelManifest? {
        guard (try? folder.modelFolders().contains(id.rawValue)) == true else { return nil }
        let files = try folder.modelFiles(id)
        guard let first = files.first else { return nil }
        let path = "\(folder.modelFolder(id))/\(first)"
        let siblings = PartName.siblings(of: path)
        guard siblings.count == files.count else {
            throw LibraryError(
                .notAModel,
                "\(folder.modelFolder(id)) has \(files.count) GGUF files, the model of \(first) has "
                    + "\(siblings.count); keep one model in the folder, with all its parts"
            )
        }
        let source = try ModelSource(paths: siblings)
        let manifest = try await source.manifest(id: id, shardSizeBytes: Self.defaultShardSizeBytes, progress: { _ in })
        for file in source.files { try file.synchronize() }
        try folder.write(manifest, in: folder.modelFolder(id))
        try record(manifest, held: Set(manifest.shardIndices))
        events.publish(
            NodeEvent(.model(.found, EventModel(id: id.rawValue, name: manifest.name)), "Found \(id)")
        )
        return manifest
    }

    /// Verifies every shard of a model that the database does not vouch for, because it is new to it or somebody has
    /// touched the files. The caller holds the model's lock.
    ///
    /// - Returns: the shards that were there and are not any more; nil where the database vouches for the model.
    /// - Throws: `LibraryError` of code `damaged` where the files are others than the manifest's.
    func verifyIfTouched(_ manifest: ModelManifest) async throws -> Set<ShardIndex>? {
        let stamps = try stamps(of: manifest)
        let entry = try presence.entry(of: manifest.id)
        let isArriving = try arrivals.entries().contains { $0.model == manifest.id }
        if let entry, entry.vouches(for: manifest, stamps: stamps, isArriving: isArriving) { return nil }
        let files = try manifest.openFiles(in: folder.modelFolder(manifest.id), mode: .read)
        for (number, part) in manifest.parts.enumerated() {
            let header = ByteRange(part: number, offset: 0, length: part.headerBytes)
            guard stamps[number].sizeBytes == part.sizeBytes,
                try await RangeTransfer.hash([header], in: files, progress: { _ in }) == part.headerHash
            else {
                throw LibraryError(
                    .damaged,
                    "\(files[number].path) is not the file that its manifest describes; remove the manifest to "
                        + "take the file in as it is, or import the model again"
                )
            }
        }
        var held: Set<ShardIndex> = []
        for shard in manifest.shards {
            // A range without any data was never there; reading it would take as long as if it were.
            let isMissing = shard.ranges.contains { files[$0.part].dataRanges(in: $0.offset..<$0.end).isEmpty }
            if !isMissing, try await RangeTransfer.hash(shard.ranges, in: files, progress: { _ in }) == shard.hash {
                held.insert(shard.index)
            }
        }
        for file in files { try file.synchronize() }
        let lost = (entry?.held ?? []).subtracting(held)
        try record(manifest, held: held)
        for shard in lost.sorted() { publishDamage(shard, of: manifest) }
        return lost
    }

    func publishDamage(_ shard: ShardIndex, of manifest: ModelManifest) {
        logger.error(
            "a shard is damaged and no longer offered; import or download it again",
            metadata: ["model": "\(manifest.id)", "shard": "\(shard)"]
        )
        events.publish(
            NodeEvent(
                .shard(.damaged, shard.rawValue, EventModel(id: manifest.id.rawValue, name: manifest.name)),
                "Shard \(shard) of \(manifest.id) is damaged; import or download it again", toast: .error)
        )
    }
}
