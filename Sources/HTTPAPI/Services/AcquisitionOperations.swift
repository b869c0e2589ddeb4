package import Acquisition
package import ModelLibrary

/// Finding models, coming to hold their shards, keeping and giving up shards.
///
/// What the composition root leaves out is answered with 501. Functions throw `AcquisitionError` and `LibraryError`.
package struct AcquisitionOperations: Sendable {
    /// Pins a model and begins to fetch what this node should hold of it.
    package var add: @Sendable (_ model: ModelID) async throws -> Void = { _ in throw lacking("adding models") }
    /// The latest download of a model; nil where there was none.
    package var download: @Sendable (_ model: ModelID) async throws -> DownloadStatus? = { _ in
        throw lacking("downloads")
    }
    /// The latest download of each model, in any order.
    package var downloads: @Sendable () async throws -> [DownloadStatus] = { throw lacking("downloads") }
    /// Ends a download; what has come of it is given back to the disk.
    package var cancel: @Sendable (_ model: ModelID) async throws -> Void = { _ in throw lacking("downloads") }
    /// Begins to fetch one shard from the best peer that holds it, where there is one.
    package var downloadShard: @Sendable (_ model: ModelID, _ shard: ShardIndex) async throws -> ShardDownload = {
        _, _ in
        throw lacking("downloads")
    }
    /// Reads a file's header on the hub and begins to fetch shards of it.
    package var downloadFromHub: @Sendable (_ request: HubDownload) async throws -> HubDownloadStart = { _ in
        throw lacking("downloads from Hugging Face")
    }
    /// Repositories with GGUF files, best first.
    package var search: @Sendable (_ search: HubSearch) async throws -> [HubSearchSummary] = { _ in
        throw lacking("searching Hugging Face")
    }
    /// The GGUF files of one repository, "owner/name".
    package var files: @Sendable (_ repository: String) async throws -> HubFilesSummary = { _ in
        throw lacking("looking into repositories of Hugging Face")
    }
    /// What the header of a file on the hub says.
    package var probe: @Sendable (_ file: ModelOrigin) async throws -> HubProbeSummary = { _ in
        throw lacking("looking into files of Hugging Face")
    }
    /// Where a model's publisher has it; nil where that cannot be found out.
    package var origin: @Sendable (_ model: ModelID) async throws -> ModelOrigin? = { _ in
        throw lacking("finding models on Hugging Face")
    }
    package var policy: @Sendable (_ model: ModelID) async throws -> ModelPolicy = { _ in
        throw lacking("holding models by itself")
    }
    package var setPolicy: @Sendable (_ model: ModelID, _ policy: ModelPolicy) async throws -> Void = { _, _ in
        throw lacking("holding models by itself")
    }
    /// Keeps a shard from being given up, or allows it again.
    package var lock: @Sendable (_ model: ModelID, _ shard: ShardIndex, _ isLocked: Bool) async throws -> Void = {
        _, _, _ in
        throw lacking("locking shards")
    }
    /// Shards that were given up, newest first.
    package var pruneHistory: @Sendable () async throws -> [PruneRecord] = {
        throw lacking("giving up shards by itself")
    }
    package var schedule: @Sendable () async throws -> ResourceSchedule = { throw lacking("keeping to a schedule") }
    /// Changes some fields of the schedule; the whole schedule as it is then.
    package var changeSchedule: @Sendable (_ change: ResourceSchedule.Change) async throws -> ResourceSchedule = { _ in
        throw lacking("keeping to a schedule")
    }
    package var storage: @Sendable () async throws -> StorageSummary = { throw lacking("adding up what models take") }

    package init() {}

    private static func lacking(_ what: String) -> APIError {
        .notImplemented("\(what) is not built into this node")
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
