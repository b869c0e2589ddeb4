package import Identifiers

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A shard that this node gave up by itself.
package struct PruneRecord: Sendable, Hashable {
    package var model: ModelID
    package var modelName: String
    package var shard: ShardIndex
    /// A sentence for people.
    package var reason: String
    package var freedBytes: UInt64
    package var remainingShards: Int
    /// Healthy holders before and after, this node counted.
    package var holdersBefore: Int
    package var holdersAfter: Int
    package var time: Date

    package init(
        model: ModelID, modelName: String, shard: ShardIndex, reason: String, freedBytes: UInt64, remainingShards: Int,
        holdersBefore: Int, holdersAfter: Int, time: Date
    ) {
        self.model = model
        self.modelName = modelName
        self.shard = shard
        self.reason = reason
        self.freedBytes = freedBytes
        self.remainingShards = remainingShards
        self.holdersBefore = holdersBefore
        self.holdersAfter = holdersAfter
        self.time = time
    }
}
