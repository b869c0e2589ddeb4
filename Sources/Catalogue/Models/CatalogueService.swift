package import Acquisition
package import Identifiers
package import Inference
import Link
package import ModelLibrary
package import NodeAPI
package import Swarm

/// The models of a node: what there is of them on its disk, in its memory and in its swarm, and how they leave.
package struct CatalogueService: Sendable {
    private let library: ModelLibrary
    private let inference: InferenceService
    private let keeper: ShardKeeper
    private let queue: DownloadQueue
    private let membership: any Membership
    private let limits: StorageLimits
    private let summaries: ModelSummaries

    package init(
        library: ModelLibrary, inference: InferenceService, keeper: ShardKeeper, queue: DownloadQueue,
        membership: any Membership, limits: StorageLimits
    ) {
        self.library = library
        self.inference = inference
        self.keeper = keeper
        self.queue = queue
        self.membership = membership
        self.limits = limits
        summaries = ModelSummaries(
            library: library, membership: membership, inference: inference, records: keeper.records, queue: queue)
    }

    // MARK: Looking

    /// Every model that this node or a connected peer knows, by id.
    package func models() async -> ModelSummaryList { await summaries.list() }

    /// What models take on this node, and what they may.
    package func storage() async -> StorageSummary {
        let peers = membership.peers().filter(\.isConnected)
        let others = peers.reduce(0) { $0 + Int(clamping: ($1.record?.hardware.memoryBytes ?? 0) >> 20) }
        return StorageSummary(
            models: await summaries.list().models, diskUsageBytes: DiskUsage.bytes(below: library.directory),
            limits: limits, poolMemoryMegabytes: limits.memoryMegabytes + others, peerCount: peers.count)
    }

    /// What the header of a model says; nil where there is none here.
    ///
    /// - Throws: `LibraryError` of code `damaged`.
    package func metadata(of model: ModelID) async throws -> ModelMetadataBody? {
        do {
            return ModelMetadataBody(id: model, model: try await library.model(model).open())
        } catch let error as LibraryError where error.code == .modelNotFound {
            return nil
        }
    }

    /// Looks at the disk again; the models that changed.
    ///
    /// - Throws: `LibraryError`.
    package func rescan() async throws -> [ModelID] { try await library.rescan() }

    // MARK: Memory

    /// Loads a shard that is on disk; the shards that are loaded then.
    ///
    /// - Throws: `InferenceError`.
    package func load(_ shard: Int, of model: ModelID) async throws -> [Int] {
        try await inference.loadShard(model: model.rawValue, shard: shard)
    }

    /// Unloads a shard; the shards that are still loaded.
    ///
    /// - Throws: `InferenceError`, while sessions use it too.
    package func unload(_ shard: Int, of model: ModelID) async throws -> [Int] {
        try await inference.unloadShard(model: model.rawValue, shard: shard)
    }

    /// Frees the memory of a model.
    ///
    /// - Throws: `InferenceError`, while sessions use it too.
    package func unload(_ model: ModelID) async throws -> InferenceService.Unloading {
        try await inference.unload(model: model.rawValue)
    }

    // MARK: Removing

    /// Deletes a model from memory and disk, so that the node does not fetch it again by itself; how many files went.
    ///
    /// - Throws: `LibraryError` of code `modelNotFound`; `InferenceError` while sessions use it; `StoreError`.
    package func remove(_ model: ModelID) async throws -> Int {
        _ = try await library.model(model)
        _ = try await unload(model)
        try await keeper.noteDeleted(model: model)
        if await queue.status(of: model)?.state.isActive == true { try await queue.cancel(model) }
        let files = try await library.remove(id: model)
        await queue.forget(model)
        return files
    }

    /// Deletes a shard from memory and disk, so that the node does not fetch it again by itself.
    ///
    /// - Throws: `LibraryError` of code `modelNotFound`; `InferenceError` while sessions use it, or where it is not here;
    ///   `StoreError`.
    package func remove(_ shard: ShardIndex, of model: ModelID) async throws {
        let known = try await library.model(model)
        // What is left of its window is loaded again, so that the model goes on answering.
        _ = try await unload(shard.rawValue, of: model)
        guard known.held.contains(shard) else { return }
        try await keeper.noteDeleted(shard: shard, of: model)
        try await library.removeShard(id: model, shard: shard)
    }
}
