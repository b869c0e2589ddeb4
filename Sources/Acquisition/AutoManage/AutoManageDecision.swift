package import Identifiers
import Link

/// What a node should do now about the shards it holds, and why.
///
/// Whoever carries it out may carry out any part of it. For a prune see ``Prune/keepers``.
package struct AutoManageDecision: Sendable, Hashable {
    /// Most urgent first.
    package var fetches: [Fetch] = []
    /// In the order in which they should happen.
    package var prunes: [Prune] = []
    /// Each model of which nothing is fetched, by model id.
    package var passedOver: [PassedOver] = []

    package init() {}

    /// A shard to fetch.
    package struct Fetch: Sendable, Hashable {
        package enum Reason: String, Sendable, Hashable, Codable {
            /// Nobody holds it: the model cannot be served.
            case noHolder = "no_holder"
            /// Fewer nodes hold it than should.
            case tooFewHolders = "too_few_holders"
        }

        package let model: ModelID
        package let shard: ShardIndex
        package let sizeBytes: UInt64
        package let reason: Reason
        /// A sentence for people.
        package let explanation: String
        /// Healthy peers that hold it, by id; empty: only the publisher has it.
        package let holders: [NodeID]
    }

    /// A shard to give up.
    package struct Prune: Sendable, Hashable {
        package enum Reason: String, Sendable, Hashable, Codable {
            /// More nodes hold it than should.
            case overReplicated = "over_replicated"
            /// More nodes hold it than should, and its room is wanted.
            case roomWanted = "room_wanted"
        }

        package let model: ModelID
        package let shard: ShardIndex
        package let sizeBytes: UInt64
        package let reason: Reason
        /// A sentence for people.
        package let explanation: String
        /// Healthy holders before and after, this node counted.
        package let holdersBefore: Int
        package let holdersAfter: Int
        /// Shards of the model that this node still holds afterwards.
        package let remainingShards: Int
        /// The holders that stay in this node's place: those on its local network, or else in its region, come first,
        /// and within that the best in the shard's order (`ShardRank`). All of them come before this node in it.
        ///
        /// A snapshot is always a little old, and a holder may have left since. So whoever carries the prune out asks
        /// the nearby keepers, and deletes only after one of them has confirmed that it holds the shard now.
        package let keepers: [NodeID]
        /// How many of `keepers`, from the first, are nearby; at least 1.
        package let nearbyKeepers: Int
    }

    /// A model of which nothing is fetched.
    package struct PassedOver: Sendable, Hashable {
        /// Why not. Where shards of a model have different reasons, the first of them in this order is given.
        package enum Reason: String, Sendable, Hashable, Codable, CaseIterable {
            /// The node manages no model by itself.
            case managementOff = "management_off"
            /// The model's policy switches it off.
            case policyOff = "policy_off"
            /// An operator deleted the model.
            case modelDeleted = "model_deleted"
            /// The layout is not known.
            case noShards = "no_shards"
            /// Every shard is here or on its way.
            case complete
            /// Neither a user nor demand vouches for it.
            case untrusted
            /// The node holds as many of its shards as it may.
            case shardLimit = "shard_limit"
            /// As many shards are being fetched as may be.
            case busy
            /// The disk, or what models may take of it, has no room.
            case noRoom = "no_room"
            /// A window with one shard more would not fit into memory.
            case noMemory = "no_memory"
            /// Nobody has the shards that are missing.
            case noSource = "no_source"
            /// Other nodes are to fetch them first.
            case othersTurn = "others_turn"
            /// This node gave them up a short time ago.
            case prunedLately = "pruned_lately"
            /// An operator deleted them here.
            case shardDeleted = "shard_deleted"
            /// Enough nodes hold them.
            case enoughHolders = "enough_holders"
        }

        package let model: ModelID
        package let reason: Reason
        /// A sentence for people.
        package let explanation: String
    }
}
