/// What a model on a hub would be worth to this node and its swarm: a pure function of what is known of both.
package struct ModelAppraisal: Sendable, Hashable {
    /// What this node and the swarm have.
    package struct Means: Sendable, Hashable {
        /// Memory for windows here.
        package var memoryBytes: UInt64
        /// Memory for windows on all connected nodes, this one included.
        package var swarmMemoryBytes: UInt64
        /// Connected nodes, this one included.
        package var nodeCount: Int
        /// What a shard should hold.
        package var shardSizeBytes: UInt64
        /// The least number of holders that a shard should have.
        package var minimumReplicas: Int

        package init(
            memoryBytes: UInt64, swarmMemoryBytes: UInt64, nodeCount: Int, shardSizeBytes: UInt64, minimumReplicas: Int
        ) {
            self.memoryBytes = memoryBytes
            self.swarmMemoryBytes = swarmMemoryBytes
            self.nodeCount = nodeCount
            self.shardSizeBytes = shardSizeBytes
            self.minimumReplicas = minimumReplicas
        }
    }

    /// What the swarm needs for the model.
    package enum Standing: String, Sendable, Hashable, CaseIterable {
        /// The swarm has the memory for it.
        case serveable = "swarm_serveable"
        /// Not even all nodes together have.
        case unreachable
        /// Nobody holds it yet.
        case beFirst = "be_first_host"
        case needsMore = "needs_more_hosts"
        case wellReplicated = "well_replicated"
        /// There is no swarm: this node alone can have it.
        case downloadable
    }

    /// How well it suits, from 0 to 100 in each respect.
    package struct Score: Sendable, Hashable {
        package var quality = 0
        package var fit = 0
        package var demand = 0
        package var size = 0

        /// All together: what people think of it counts most, then whether it fits.
        package var total: Int { (quality * 40 + fit * 35 + demand * 15 + size * 10 + 50) / 100 }
    }

    /// A window takes this much more than its weights, in percent.
    private static let overheadPercent: UInt64 = 115

    /// It fits into this node's memory as a whole.
    package let fitsMemory: Bool
    /// Its first and its last shard fit together.
    package let fitsEncrypted: Bool
    /// One shard of it fits.
    package let fitsShard: Bool
    /// Bytes of one shard, about.
    package let shardBytes: UInt64
    /// Bytes of the first and the last shard.
    package let encryptedBytes: UInt64
    package let score: Score
    package let standing: Standing

    /// - Parameters:
    ///   - sizeBytes: the variant's size.
    ///   - replicas: nodes that hold something of it.
    ///   - requests: how often it was asked for in the swarm lately.
    package init(
        sizeBytes: UInt64, downloads: Int, likes: Int, replicas: Int, requests: Int, means: Means
    ) {
        let sizeBytes = min(sizeBytes, 1 << 50)
        let needed = sizeBytes / 100 * Self.overheadPercent
        let shards = max(1, (sizeBytes + max(1, means.shardSizeBytes) - 1) / max(1, means.shardSizeBytes))
        shardBytes = sizeBytes / shards
        encryptedBytes = shards == 1 ? sizeBytes : 2 * shardBytes
        fitsMemory = needed <= means.memoryBytes
        fitsEncrypted = encryptedBytes / 100 * Self.overheadPercent <= means.memoryBytes
        fitsShard = shardBytes / 100 * Self.overheadPercent <= means.memoryBytes
        let fitsSwarm = needed <= means.swarmMemoryBytes

        score = Score(
            quality: min(100, Self.magnitude(downloads) * 12 + Self.magnitude(likes) * 8),
            fit: fitsMemory ? 100 : fitsSwarm ? 70 : fitsShard ? 30 : 0,
            demand: min(100, requests * 5),
            // The larger of two that fit answers better.
            size: fitsSwarm ? min(100, Int(100 * Double(needed) / Double(max(1, means.swarmMemoryBytes)))) : 0)

        let wanted = ReplicationTarget.holders(
            pool: means.nodeCount, demand: ReplicationTarget.Demand(requests: requests),
            minimumReplicas: means.minimumReplicas)
        standing =
            if !fitsSwarm {
                .unreachable
            } else if means.nodeCount <= 1 {
                .downloadable
            } else if replicas == 0 {
                .beFirst
            } else if replicas < wanted {
                .needsMore
            } else if replicas > wanted {
                .wellReplicated
            } else {
                .serveable
            }
    }

    /// The number of decimal digits, so that ten times as many count one more.
    private static func magnitude(_ number: Int) -> Int { number <= 0 ? 0 : String(number).count }
}
