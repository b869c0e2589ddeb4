package import FoundationEssentials
import GGUF
package import Identifiers
import Link
package import ModelLibrary

/// Everything that a node decides from which shards to fetch and which to give up, at one moment. A value, so that
/// deciding can be tested without disks and without a swarm.
package struct AutoManageSnapshot: Sendable {
    /// The node that decides.
    package var node: NodeID
    /// Where it is; nil while unknown.
    package var region: String?
    package var now: Date
    /// Every model that the node knows the layout of.
    package var models: [Model]
    /// Every other node that is known.
    package var peers: [Peer]
    package var settings: AutoManageSettings
    /// The level that holds now, the schedule counted.
    package var contribution: ContributionLevel
    package var pruneAggressiveness: PruneAggressiveness

    package init(
        node: NodeID, region: String? = nil, now: Date, models: [Model], peers: [Peer], settings: AutoManageSettings,
        contribution: ContributionLevel = .maximum, pruneAggressiveness: PruneAggressiveness = .normal
    ) {
        self.node = node
        self.region = region
        self.now = now
        self.models = models
        self.peers = peers
        self.settings = settings
        self.contribution = contribution
        self.pruneAggressiveness = pruneAggressiveness
    }
}

extension AutoManageSnapshot {
    /// A model, and what this node has of it.
    package struct Model: Sendable {
        /// Some layers of it. A shard's index is its place in the list.
        package struct Shard: Sendable, Hashable {
            package var layers: LayerRange
            package var sizeBytes: UInt64

            package init(layers: LayerRange, sizeBytes: UInt64) {
                self.layers = layers
                self.sizeBytes = sizeBytes
            }
        }

        package var id: ModelID
        /// What people call it.
        package var name: String
        package var shards: [Shard]
        /// Whether it can be had from its publisher at any time.
        package var hasSource: Bool
        package var trust: ModelTrust
        package var policy: ModelPolicy
        /// Requests for it in the swarm lately.
        package var requests: Int
        /// The shards that are on this disk and proven.
        package var held: [ShardIndex: HeldShard]
        /// The shards that are being fetched, for whatever reason.
        package var downloading: Set<ShardIndex>
        /// The shards that an operator deleted.
        package var deleted: Set<ShardIndex>
        /// Whether an operator deleted the model as a whole.
        package var isDeleted: Bool
        /// When this node gave up shards by itself, the latest time for each.
        package var pruned: [ShardIndex: Date]

        package init(
            id: ModelID, name: String? = nil, shards: [Shard], hasSource: Bool, trust: ModelTrust,
            policy: ModelPolicy = .standard, requests: Int = 0, held: [ShardIndex: HeldShard] = [:],
            downloading: Set<ShardIndex> = [], deleted: Set<ShardIndex> = [], isDeleted: Bool = false,
            pruned: [ShardIndex: Date] = [:]
        ) {
            self.id = id
            self.name = name ?? id.rawValue
            self.shards = shards
            self.hasSource = hasSource
            self.trust = trust
            self.policy = policy
            self.requests = requests
            self.held = held
            self.downloading = downloading
            self.deleted = deleted
            self.isDeleted = isDeleted
            self.pruned = pruned
        }

        /// Bytes of all shards.
        package var totalBytes: UInt64 { shards.reduce(0) { $0 + $1.sizeBytes } }
    }

    /// A shard that this node holds.
    package struct HeldShard: Sendable, Hashable {
        package struct Flags: OptionSet, Sendable, Hashable {
            package let rawValue: UInt8
            package init(rawValue: UInt8) { self.rawValue = rawValue }

            /// An operator said that it stays.
            package static let locked = Flags(rawValue: 1)
            /// It is part of a loaded window.
            package static let loaded = Flags(rawValue: 2)
            /// A request computes with it, or a peer is fetching it from here.
            package static let inUse = Flags(rawValue: 4)
        }

        package var flags: Flags
        package var heldSince: Date
        /// When a request last computed with it; nil: never.
        package var lastUsed: Date?

        package init(flags: Flags = [], heldSince: Date, lastUsed: Date? = nil) {
            self.flags = flags
            self.heldSince = heldSince
            self.lastUsed = lastUsed
        }
    }

    /// Another node.
    package struct Peer: Sendable {
        package var id: NodeID
        /// Whether it was heard of lately. What others hold does not count as held.
        package var isHealthy: Bool
        /// Whether it is on this node's local network.
        package var isLocal: Bool
        package var region: String?
        /// The proven shards that it says it holds, of models that are the same there as here (equal manifest hashes).
        package var held: [ModelID: Set<ShardIndex>]
        /// The shards that it says it is fetching.
        package var downloading: [ModelID: Set<ShardIndex>]

        package init(
            id: NodeID, isHealthy: Bool = true, isLocal: Bool = false, region: String? = nil,
            held: [ModelID: Set<ShardIndex>] = [:], downloading: [ModelID: Set<ShardIndex>] = [:]
        ) {
            self.id = id
            self.isHealthy = isHealthy
            self.isLocal = isLocal
            self.region = region
            self.held = held
            self.downloading = downloading
        }
    }
}

extension AutoManageSnapshot.Model {
    /// The layout of a model, as its manifest has it.
    package static func shards(of manifest: ModelManifest) -> [Shard] {
        manifest.shards.map { Shard(layers: $0.layers, sizeBytes: $0.sizeBytes) }
    }
}
