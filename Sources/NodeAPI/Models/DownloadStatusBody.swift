/// `GET /api/admin/models/{id}/status` of a model of which something was downloaded.
package struct DownloadStatusBody: Codable, Sendable, Hashable {
    package struct Shard: Codable, Sendable, Hashable {
        package var index: Int
        package var totalBytes: Int64
        package var downloadedBytes: Int64
        package var state: String
        @Nullable package var source: String?

        package init(
            index: Int, totalBytes: Int64, downloadedBytes: Int64, state: String, source: String?
        ) {
            self.index = index
            self.totalBytes = totalBytes
            self.downloadedBytes = downloadedBytes
            self.state = state
            self.source = source
        }
    }

    package var modelId: String
    package var state: DownloadState
    package var totalShards: Int
    package var downloadedShards: Int
    package var verifiedShards: Int
    package var failedShards: Int
    package var totalBytes: Int64
    package var downloadedBytes: Int64
    package var speedBytesPerSec: Int64
    package var startedAt: String
    /// By index.
    package var shardProgress: [String: Shard]
    /// Oldest first.
    package var log: [String]
    @Nullable package var source: String?
    package var trigger: String

    package init(
        modelId: String, state: DownloadState, totalShards: Int, downloadedShards: Int, verifiedShards: Int,
        failedShards: Int, totalBytes: Int64, downloadedBytes: Int64, speedBytesPerSec: Int64, startedAt: String,
        shardProgress: [String: Shard], log: [String], source: String?, trigger: String
    ) {
        self.modelId = modelId
        self.state = state
        self.totalShards = totalShards
        self.downloadedShards = downloadedShards
        self.verifiedShards = verifiedShards
        self.failedShards = failedShards
        self.totalBytes = totalBytes
        self.downloadedBytes = downloadedBytes
        self.speedBytesPerSec = speedBytesPerSec
        self.startedAt = startedAt
        self.shardProgress = shardProgress
        self.log = log
        self.source = source
        self.trigger = trigger
    }
}
