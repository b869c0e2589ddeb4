package import Acquisition
package import Hub
package import Identifiers

/// Finding models, coming to hold their shards, keeping and giving up shards.
///
/// Functions throw `AcquisitionError`, `HubError` and `LibraryError`.
package struct AcquisitionOperations: Sendable {
    /// Pins a model and begins to fetch what this node should hold of it.
    package var add: @Sendable (_ model: ModelID) async throws -> Void
    /// The latest download of a model; nil where there was none.
    package var download: @Sendable (_ model: ModelID) async throws -> DownloadStatus?
    /// The latest download of each model, in any order.
    package var downloads: @Sendable () async throws -> [DownloadStatus]
    /// Ends a download; what has come of it is given back to the disk.
    package var cancel: @Sendable (_ model: ModelID) async throws -> Void
    /// Begins to fetch one shard from the best peer that holds it, where there is one.
    package var downloadShard: @Sendable (_ model: ModelID, _ shard: ShardIndex) async throws -> ShardDownload
    /// Reads a file's header on the hub and begins to fetch shards of it.
    package var downloadFromHub: @Sendable (_ request: HubDownload) async throws -> HubDownloadStart
    /// Repositories with GGUF files, best first.
    package var search: @Sendable (_ search: HubSearch) async throws -> [HubFinding]
    /// The GGUF files of one repository.
    package var files: @Sendable (_ repository: HubRepository) async throws -> [HubVariant]
    /// What the header of a file on the hub says.
    package var probe: @Sendable (_ file: ModelOrigin) async throws -> HeaderProbe
    /// Where a model's publisher has it; nil where that cannot be found out.
    package var origin: @Sendable (_ model: ModelID) async throws -> ModelOrigin?
    package var policy: @Sendable (_ model: ModelID) async throws -> ModelPolicy
    package var setPolicy: @Sendable (_ model: ModelID, _ policy: ModelPolicy) async throws -> Void
    /// Keeps a shard from being given up, or allows it again.
    package var lock: @Sendable (_ model: ModelID, _ shard: ShardIndex, _ isLocked: Bool) async throws -> Void
    /// Shards that were given up, newest first.
    package var pruneHistory: @Sendable () async throws -> [PruneRecord]
    package var schedule: @Sendable () async throws -> ResourceSchedule
    /// Changes some fields of the schedule; the whole schedule as it is then.
    package var changeSchedule: @Sendable (_ change: ResourceSchedule.Change) async throws -> ResourceSchedule
    package var storage: @Sendable () async throws -> StorageSummary

    package init(
        add: @escaping @Sendable (_ model: ModelID) async throws -> Void,
        download: @escaping @Sendable (_ model: ModelID) async throws -> DownloadStatus?,
        downloads: @escaping @Sendable () async throws -> [DownloadStatus],
        cancel: @escaping @Sendable (_ model: ModelID) async throws -> Void,
        downloadShard: @escaping @Sendable (_ model: ModelID, _ shard: ShardIndex) async throws -> ShardDownload,
        downloadFromHub: @escaping @Sendable (_ request: HubDownload) async throws -> HubDownloadStart,
        search: @escaping @Sendable (_ search: HubSearch) async throws -> [HubFinding],
        files: @escaping @Sendable (_ repository: HubRepository) async throws -> [HubVariant],
        probe: @escaping @Sendable (_ file: ModelOrigin) async throws -> HeaderProbe,
        origin: @escaping @Sendable (_ model: ModelID) async throws -> ModelOrigin?,
        policy: @escaping @Sendable (_ model: ModelID) async throws -> ModelPolicy,
        setPolicy: @escaping @Sendable (_ model: ModelID, _ policy: ModelPolicy) async throws -> Void,
        lock: @escaping @Sendable (_ model: ModelID, _ shard: ShardIndex, _ isLocked: Bool) async throws -> Void,
        pruneHistory: @escaping @Sendable () async throws -> [PruneRecord],
        schedule: @escaping @Sendable () async throws -> ResourceSchedule,
        changeSchedule: @escaping @Sendable (_ change: ResourceSchedule.Change) async throws -> ResourceSchedule,
        storage: @escaping @Sendable () async throws -> StorageSummary
    ) {
        self.add = add
        self.download = download
        self.downloads = downloads
        self.cancel = cancel
        self.downloadShard = downloadShard
        self.downloadFromHub = downloadFromHub
        self.search = search
        self.files = files
        self.probe = probe
        self.origin = origin
        self.policy = policy
        self.setPolicy = setPolicy
        self.lock = lock
        self.pruneHistory = pruneHistory
        self.schedule = schedule
        self.changeSchedule = changeSchedule
        self.storage = storage
    }
}

/// A wish to hold shards of a file on a hub.
package struct HubDownload: Sendable, Hashable {
    package var origin: ModelOrigin
    package var wanted: WantedShards
    /// The id to keep it under; nil: from the file's name.
    package var model: ModelID?

    package init(origin: ModelOrigin, wanted: WantedShards, model: ModelID? = nil) {
        self.origin = origin
        self.wanted = wanted
        self.model = model
    }
}

/// What is being fetched.
package struct HubDownloadStart: Sendable, Hashable {
    package var model: ModelID
    /// The shards that were asked for, those that are here already included.
    package var shards: Set<ShardIndex>

    package init(model: ModelID, shards: Set<ShardIndex>) {
        self.model = model
        self.shards = shards
    }
}
