/// What models may take on this node. A megabyte is 2^20 bytes.
package struct StorageLimits: Sendable, Hashable {
    /// Whether shards are fetched and given up without being asked for.
    package var isAutoManaged: Bool
    /// What of them is fetched without being asked for at most.
    package var autoManagedMegabytes: Int
    /// What models may take on the disk.
    package var diskMegabytes: Int
    /// Memory for windows.
    package var memoryMegabytes: Int

    package init(isAutoManaged: Bool, autoManagedMegabytes: Int, diskMegabytes: Int, memoryMegabytes: Int) {
        self.isAutoManaged = isAutoManaged
        self.autoManagedMegabytes = autoManagedMegabytes
        self.diskMegabytes = diskMegabytes
        self.memoryMegabytes = memoryMegabytes
    }
}

/// What models take on this node, and what they may.
package struct StorageSummary: Sendable, Hashable {
    package var models: [ModelSummary]
    /// What the models' folder takes on the disk.
    package var diskUsageBytes: UInt64
    package var limits: StorageLimits
    /// Memory for windows of all reachable nodes, this one included.
    package var poolMemoryMegabytes: Int
    package var peerCount: Int

    package init(
        models: [ModelSummary], diskUsageBytes: UInt64, limits: StorageLimits, poolMemoryMegabytes: Int, peerCount: Int
    ) {
        self.models = models
        self.diskUsageBytes = diskUsageBytes
        self.limits = limits
        self.poolMemoryMegabytes = poolMemoryMegabytes
        self.peerCount = peerCount
    }
}
