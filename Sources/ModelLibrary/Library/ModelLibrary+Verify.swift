import BLAKE3
import Events
import GGUF
package import Identifiers

extension ModelLibrary {
    /// Reads held shards and compares their hashes. A damaged one is no longer held afterwards.
    ///
    /// - Parameter shard: the shard to verify; every held one if nil.
    /// - Returns: the damaged shards; none is good news.
    /// - Throws: `LibraryError` of code `modelNotFound`, `shardNotFound` (it is not here), or `damaged` (the header is).
    @discardableResult
    package func verify(
        id: ModelID, shard: ShardIndex? = nil, progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) async throws -> [ShardIndex] {
        _ = try model(id)
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }
        try load()
        let lost = try await verifyIfTouched(model(id).manifest)
        if let lost, shard.map(lost.contains) ?? true { return lost.sorted() }
        let model = try model(id)
        if let shard, !model.held.contains(shard) { throw shardNotFound(shard, of: model) }
        let manifest = model.manifest
        let files = try manifest.openFiles(in: folder.modelFolder(id), mode: .read)
        for header in manifest.headerRanges {
            let hash = try await RangeTransfer.hash([header], in: files, progress: { _ in })
            guard hash == manifest.parts[header.part].headerHash else {
                throw LibraryError(
                    .damaged, "the header of \(files[header.part].path) is damaged; import the model again")
            }
        }
        let chosen = (shard.map { [$0] } ?? model.held.sorted()).compactMap { manifest[shard: $0] }
        let meter = ProgressMeter(
            phase: .verifying, totalBytes: chosen.reduce(0) { $0 + $1.sizeBytes }, report: progress
        )
        var damaged: [ShardIndex] = []
        for shard in chosen
        where try await RangeTransfer.hash(shard.ranges, in: files, progress: meter.advance) != shard.hash {
            damaged.append(shard.index)
        }
        if !damaged.isEmpty {
            try record(manifest, held: model.held.subtracting(damaged))
            for shard in damaged { publishDamage(shard, of: manifest) }
        }
        return damaged
    }

    func shardNotFound(_ shard: ShardIndex, of model: LibraryModel) -> LibraryError {
        let held = ShardSelection(model.held).description
        return LibraryError(
            .shardNotFound,
            "shard \(shard) of \(model.id) is not on this node, which has "
                + (held.isEmpty ? "none" : "shards \(held)")
        )
    }
}
