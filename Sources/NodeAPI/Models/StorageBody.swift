/// `GET /api/admin/shard-storage`: what models take on the node, and what they may. The node writes it as text, since it is long.
///
/// A megabyte is 2^20 bytes.
package struct StorageBody: Codable, Sendable, Hashable {
    package struct Model: Codable, Sendable, Hashable {
        package var id: String
        package var name: String
        package var totalSizeBytes: Int64
        package var shardCount: Int
        package var localShards: Int
        package var localBytes: Int64
        package var estimatedVramMb: Int64
        package var shards: [ShardBody]
        package var ready: String
        package var allShardsAvailable: Bool
    }

    package var models: [Model]
    package var totalLocalBytes: Int64
    package var diskUsageBytes: Int64
    package var autoManageEnabled: Bool
    package var autoManageMaxStorageMb: Int64
    package var maxDiskMb: Int64
    package var poolVramMb: Int64
    package var localVramMb: Int64
    package var peerCount: Int
}
