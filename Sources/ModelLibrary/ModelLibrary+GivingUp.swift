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
        guard try await !isNeeded(model(id)) else { return nil }
        return try await removeShard(id: id, shard: shard)
    }
}
