package import Identifiers

extension ModelLibrary {
    /// Bytes that this user may still write to the disk of the library.
    ///
    /// - Throws: `LibraryError` of the file system.
    package nonisolated func freeBytes() throws -> UInt64 { try folder.freeBytes() }

    /// Deletes a shard unless it turns out to be needed. Nobody is offered the shard while that is found out.
    ///
    /// - Parameter isNeeded: asked once the library no longer lists the shard, so that nobody begins to use it afterwards.
    /// - Returns: bytes that became free; nil where the shard was needed and stays.
    /// - Throws: `LibraryError` of code `modelNotFound`, `shardNotFound`, or of the file system.
    package func giveUp(
        shard: ShardIndex, id: ModelID, unless isNeeded: @Sendable (LibraryModel) async -> Bool
    ) async throws -> UInt64? {
        _ = try model(id)
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }
        try load()
        _ = try await verifyIfTouched(model(id).manifest)
        let model = try model(id)
        guard model.held.contains(shard) else { throw shardNotFound(shard, of: model) }
        try record(model.manifest, held: model.held.subtracting([shard]))
        guard await !isNeeded(model) else {
            try record(model.manifest, held: model.held)
            return nil
        }
        return try await release([shard], of: model)
    }
}
