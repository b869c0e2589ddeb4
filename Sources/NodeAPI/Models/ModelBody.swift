/// One of `GET /api/admin/models`. The node writes the list as text, since it is long and asked for often.
package struct ModelBody: Codable, Sendable, Hashable {
    /// Where it was published.
    package struct Source: Codable, Sendable, Hashable {
        package var repoId: String
        package var filename: String
    }

    /// The file that turns images into embeddings for the model.
    package struct Projector: Codable, Sendable, Hashable {
        package var available: Bool
        package var local: Bool
        package var holders: Int
        package var holderIds: [String]
    }

    package struct Progress: Codable, Sendable, Hashable {
        package var downloadedBytes: Int64
        package var totalBytes: Int64
        package var downloadedShards: Int
        package var speedBytesPerSec: Int64
        @Nullable package var source: String?
        package var trigger: String
    }

    package var id: String
    package var name: String
    package var totalSizeBytes: Int64
    package var shardCount: Int
    /// On this node.
    package var hostedShards: Int
    /// On any reachable node.
    package var globalAvailable: Int
    package var healthy: Bool
    package var status: String
    package var mode: String
    package var source: String
    package var local: Bool
    package var peersHosting: Int
    package var shards: [ShardBody]
    package var trustLevel: String
    package var encryptedPipeline: Bool
    package var hasFirstShard: Bool
    package var hasLastShard: Bool
    @Nullable package var hfSource: Source?
    package var hasManifest: Bool
    package var hasHeader: Bool
    package var probed: Bool
    package var mmproj: Projector
    package var estimatedVramMb: Int64
    /// "downloading" or "failed"; nil where nothing is fetched.
    @Nullable package var acquisition: String?
    @Nullable package var acquisitionProgress: Progress?
}
