/// What models take on this node, and what they may.
package struct StorageSummary: Sendable, Hashable {
    package var models: [ModelSummary]
    /// What the models' folder takes on the disk.
    package var diskUsageBytes: UInt64
    /// Whether shards are fetched and given up without being asked for.
    package var isAutoManaged: Bool
    /// What of them is fetched without being asked for at most; megabytes are 2^20 bytes.
    package var autoManagedLimitMegabytes: Int
    /// What models may take on the disk.
    package var diskLimitMegabytes: Int
    /// Memory for windows of all reachable nodes, and of this one.
    package var poolMemoryMegabytes: Int
    package var localMemoryMegabytes: Int
    package var peerCount: Int

    package init(
        models: [ModelSummary], diskUsageBytes: UInt64, isAutoManaged: Bool, autoManagedLimitMegabytes: Int,
        diskLimitMegabytes: Int, poolMemoryMegabytes: Int, localMemoryMegabytes: Int, peerCount: Int
    ) {
        self.models = models
        self.diskUsageBytes = diskUsageBytes
        self.isAutoManaged = isAutoManaged
        self.autoManagedLimitMegabytes = autoManagedLimitMegabytes
        self.diskLimitMegabytes = diskLimitMegabytes
        self.poolMemoryMegabytes = poolMemoryMegabytes
        self.localMemoryMegabytes = localMemoryMegabytes
        self.peerCount = peerCount
    }
}
