/// `GET /api/admin/downloads`.
package struct DownloadListBody: Codable, Sendable, Hashable {
    package var downloads: [DownloadBody]
    package var total: Int

    package init(
        downloads: [DownloadBody], total: Int
    ) {
        self.downloads = downloads
        self.total = total
    }
}

/// One of `GET /api/admin/downloads`.
package struct DownloadBody: Codable, Sendable, Hashable {
    package struct Shard: Codable, Sendable, Hashable {
        package var index: Int
        package var state: String
        package var progressPct: Int
        package var downloadedBytes: Int64
        package var totalBytes: Int64
        @Nullable package var source: String?

        package init(
            index: Int, state: String, progressPct: Int, downloadedBytes: Int64, totalBytes: Int64, source: String?
        ) {
            self.index = index
            self.state = state
            self.progressPct = progressPct
            self.downloadedBytes = downloadedBytes
            self.totalBytes = totalBytes
            self.source = source
        }
    }

    package var modelId: String
    package var modelName: String
    package var state: DownloadState
    @Nullable package var source: String?
    package var totalShards: Int
    /// All bytes are here, proven or not yet.
    package var downloadedShards: Int
    package var verifiedShards: Int
    package var failedShards: Int
    package var totalBytes: Int64
    package var downloadedBytes: Int64
    package var overallPct: Int
    package var speedBytesPerSec: Int64
    @Nullable package var etaSecs: Int64?
    package var cancellable: Bool
    package var startedAt: String
    package var trigger: String
    /// Newest first.
    package var log: [String]
    package var shardDetails: [Shard]

    package init(
        modelId: String, modelName: String, state: DownloadState, source: String?, totalShards: Int,
        downloadedShards: Int, verifiedShards: Int, failedShards: Int, totalBytes: Int64, downloadedBytes: Int64,
        overallPct: Int, speedBytesPerSec: Int64, etaSecs: Int64?, cancellable: Bool, startedAt: String,
        trigger: String, log: [String], shardDetails: [Shard]
    ) {
        self.modelId = modelId
        self.modelName = modelName
        self.state = state
        self.source = source
        self.totalShards = totalShards
        self.downloadedShards = downloadedShards
        self.verifiedShards = verifiedShards
        self.failedShards = failedShards
        self.totalBytes = totalBytes
        self.downloadedBytes = downloadedBytes
        self.overallPct = overallPct
        self.speedBytesPerSec = speedBytesPerSec
        self.etaSecs = etaSecs
        self.cancellable = cancellable
        self.startedAt = startedAt
        self.trigger = trigger
        self.log = log
        self.shardDetails = shardDetails
    }
}
