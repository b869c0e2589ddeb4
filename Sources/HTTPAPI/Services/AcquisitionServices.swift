package import Acquisition
package import Catalogue
package import Hub
package import Identifiers
import ModelLibrary

/// The latest download of each model.
package protocol DownloadService: Sendable {
    /// Nil where there was none.
    func status(of model: ModelID) async -> DownloadStatus?
    /// In any order.
    func statuses() async -> [DownloadStatus]
    /// Ends a download; what has come of it is given back to the disk. Throws `AcquisitionError`.
    func cancel(_ model: ModelID) async throws
}

/// Coming to hold models. Functions throw `AcquisitionError`, `HubError` and `LibraryError`.
package protocol AcquisitionService: Sendable {
    /// Pins a model and begins to fetch what this node should hold of it.
    func add(_ model: ModelID) async throws
    /// Begins to fetch one shard from the best peer that holds it, where there is one.
    func fetch(_ shard: ShardIndex, of model: ModelID) async throws -> ShardDownload
    /// Reads a file's header on the hub and begins to fetch shards of it.
    ///
    /// - Parameter id: the id to keep it under; nil: from the file's name.
    /// - Returns: also the shards that were asked for, those that are here already included.
    func pull(
        _ origin: ModelOrigin, _ wanted: WantedShards, id: ModelID?
    ) async throws -> (model: ModelID, shards: Set<ShardIndex>)
}

/// Keeping and giving up shards. Functions throw `AcquisitionError`, `LibraryError` and `StoreError`.
package protocol KeepingService: Sendable {
    /// Where a model's publisher has it; nil where that cannot be found out.
    func origin(of model: ModelID) async -> ModelOrigin?
    func policy(of model: ModelID) async throws -> ModelPolicy
    func setPolicy(_ policy: ModelPolicy, of model: ModelID) async throws
    /// Keeps a shard from being given up, or allows it again.
    func setLocked(_ isLocked: Bool, _ shard: ShardIndex, of model: ModelID) async throws
    /// Shards that were given up, newest first.
    func pruneHistory() async throws -> [PruneRecord]
    func schedule() async -> ResourceSchedule
    /// Changes some fields of the schedule; the whole schedule as it is then.
    func setSchedule(_ change: ResourceSchedule.Change) async throws -> ResourceSchedule
}

/// Looking around on a hub. Functions throw `AcquisitionError`, `HubError` and `LibraryError`.
package protocol HubService: Sendable {
    /// Repositories with GGUF files, best first.
    func search(_ search: HubSearch) async throws -> [HubFinding]
    /// The GGUF files of one repository.
    func files(of repository: HubRepository) async throws -> [HubVariant]
    /// What the header of a file on the hub says.
    func probe(_ file: ModelOrigin) async throws -> HeaderProbe
}

extension DownloadQueue: DownloadService {}
extension ModelAcquirer: AcquisitionService {}
extension ShardKeeper: KeepingService {}
extension HubAppraiser: HubService {}
