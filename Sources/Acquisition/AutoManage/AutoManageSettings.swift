/// What this node may do, and use, for shards that nobody asked it to hold.
package struct AutoManageSettings: Sendable, Hashable {
    /// Whether shards are fetched and given up at all.
    package var isEnabled = true
    /// Whether shards are given up.
    package var allowsPruning = true
    /// The least number of holders that a shard should have.
    package var minimumReplicas = 2
    /// Most shards of any one model to hold; 0: no limit.
    package var maximumShardsPerModel = 0
    /// Shards that are fetched at once, whatever the contribution level.
    package var maximumAcquisitions = 3
    /// Bytes that models may take on this disk.
    package var maximumDiskBytes: UInt64
    /// Bytes of models up to which shards are fetched without being asked for; 0: half of `maximumDiskBytes`.
    package var maximumStorageBytes: UInt64
    /// Memory that a loaded window may take; nil: no limit known.
    package var windowMemoryBytes: UInt64?
    /// What the disk has left; nil while unknown.
    package var freeDiskBytes: UInt64?

    package init(
        maximumDiskBytes: UInt64, maximumStorageBytes: UInt64 = 0, windowMemoryBytes: UInt64? = nil,
        freeDiskBytes: UInt64? = nil
    ) {
        self.maximumDiskBytes = maximumDiskBytes
        self.maximumStorageBytes = maximumStorageBytes
        self.windowMemoryBytes = windowMemoryBytes
        self.freeDiskBytes = freeDiskBytes
    }

    /// Bytes of models that the node keeps to by itself at full contribution.
    package var storageLimitBytes: UInt64 {
        min(maximumDiskBytes, maximumStorageBytes == 0 ? maximumDiskBytes / 2 : maximumStorageBytes)
    }
}
