import Bytes
import Events
import GGUF
package import Identifiers
import Logging

extension ModelLibrary {
    /// Takes a GGUF model from this machine into the library: all of it, or some of its shards.
    ///
    /// The whole file is read once, to know the hash of each shard. Where the library is on the same disk nothing is
    /// copied: a whole file gets a second name (a hard link), or its bytes are shared copy-on-write; of a part of a file
    /// the bytes are shared where the disk can, else the wanted ranges are copied into a sparse file. Hence an imported
    /// file should not be written to afterwards; if it is, the library notices and verifies the model again.
    ///
    /// The model appears as a whole or not at all, and shards that were there before stay.
    ///
    /// - Parameters:
    ///   - path: the GGUF file, or any part of a model in parts.
    ///   - id: the model's id; from the file name if nil.
    ///   - shards: the shards to take; all if nil.
    ///   - shardSizeBytes: what a shard should hold; as the library has the model already, or
    ///     ``defaultShardSizeBytes``, if nil.
    ///   - progress: called from any thread.
    /// - Throws: `LibraryError`; `StoreError`; `CancellationError`.
    @discardableResult
    package func importFile(
        path: String, id: ModelID? = nil, shards: Set<ShardIndex>? = nil, shardSizeBytes: UInt64? = nil,
        progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) async throws -> ImportOutcome {
        let source = try ModelSource(path: path)
        guard let id = id ?? source.defaultID else {
            throw LibraryError(.badModelID, "the file name of \(path) gives no model id; choose one with --model-id")
        }
        guard shardSizeBytes.map(ModelManifest.shardSizes.contains) ?? true else {
            throw LibraryError(
                .badShardSize,
                "a shard cannot hold \(shardSizeBytes ?? 0) bytes; choose at least 1 MB, and at most 1 PB")
        }
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }

        let existing = try await existingManifest(id)
        let size = shardSizeBytes ?? existing?.shardSizeBytes ?? Self.defaultShardSizeBytes
        let count = ShardLayout(model: source.model, shardSizeBytes: size).shards.count
        if let existing { try check(source, shardSizeBytes: size, matches: existing) }
        let wanted = try selection(shards, count: count, id: id)

        let meter = ProgressMeter(phase: .hashing, totalBytes: source.hashedBytes, report: progress)
        let manifest = try await source.manifest(id: id, shardSizeBytes: size, progress: meter.advance)
        let job = ModelImport(folder: folder, source: source, progress: progress)
        let placement: ImportOutcome.Placement
        let copied: UInt64
        if var existing {
            guard existing.hash == manifest.hash else { throw idTaken(id) }
            let learned = existing.learning(from: manifest)
            if learned != existing {
                try folder.write(learned, in: folder.modelFolder(id))
                existing = learned
            }
            let held = known(existing)
            let missing = wanted.subtracting(held)
            (placement, copied) =
                missing.isEmpty ? (.alreadyThere, 0) : try await job.add(missing, to: existing, held: held)
            try record(existing, held: held.union(wanted))
        } else {
            (placement, copied) = try await job.place(manifest, wanted: wanted)
            try record(manifest, held: wanted)
        }
        let model = try model(id)
        if placement != .alreadyThere {
            events.publish(
                NodeEvent(
                    .model(.imported, EventModel(id: id.rawValue, name: model.manifest.name)),
                    "Imported \(model.held.count) of \(model.manifest.shards.count) shards of \(id)", toast: .success)
            )
        }
        return ImportOutcome(model: model, placement: placement, copiedBytes: copied)
    }

    /// The model that the library has under that id, even if it was put there by hand; nil for none, or one that
    /// is beyond repair, which an import replaces.
    private func existingManifest(_ id: ModelID) async throws -> ModelManifest? {
        try load()
        do {
            if let manifest = try folder.manifest(id) {
                _ = try await verifyIfTouched(manifest)
                return manifest
            }
        } catch let error as LibraryError where [.badManifest, .fileNotFound, .damaged].contains(error.code) {
            logger.warning("replacing a model", metadata: ["model": "\(id)", "reason": "\(error)"])
            return nil
        }
        return try await adopt(id)
    }

    /// The shards of the model that are proven to be here.
    private func known(_ manifest: ModelManifest) -> Set<ShardIndex> {
        (try? model(manifest.id))?.held ?? []
    }

    /// Refuses at once what would be refused after hours of hashing.
    private func check(_ source: ModelSource, shardSizeBytes: UInt64, matches existing: ModelManifest) throws {
        guard source.model.parts.map(\.source.byteCount) == existing.parts.map(\.sizeBytes) else {
            throw idTaken(existing.id)
        }
        guard shardSizeBytes == existing.shardSizeBytes else {
            throw LibraryError(
                .otherShardSize,
                "\(existing.id) is in the library with shards of \(existing.shardSizeBytes >> 20) MB; "
                    + "leave the shard size out, choose another id, or remove the model first"
            )
        }
    }

    private func idTaken(_ id: ModelID) -> LibraryError {
        LibraryError(
            .idTaken,
            "another model is in the library as \(id); choose another id with --model-id, or remove that one first"
        )
    }

    private func selection(_ shards: Set<ShardIndex>?, count: Int, id: ModelID) throws -> Set<ShardIndex> {
        guard let shards else { return Set((0..<count).map { ShardIndex(checked: $0) }) }
        guard !shards.isEmpty else {
            throw LibraryError(.badShards, "no shards of \(id) were named; name at least one")
        }
        if let over = shards.filter({ $0.rawValue >= count }).min() {
            throw LibraryError(.badShards, "\(id) has shards 0 to \(count - 1), no shard \(over)")
        }
        return shards
    }
}
