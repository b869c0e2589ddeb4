package import Identifiers
import Link
package import ModelLibrary

extension ShardKeeper {
    /// What the keeper asks of the rest of the node.
    package struct Surroundings: Sendable {
        /// Queues shards to be fetched, and returns before they are; nil: this node fetches nothing.
        package var fetch: (@Sendable (ModelID, [ShardIndex]) async throws -> Void)?
        /// The shards that are being fetched, or wait for it.
        package var downloading: @Sendable () async -> [ModelID: Set<ShardIndex>] = { [:] }
        /// Asks a node whether it holds a shard now, and keeps it because this one gives its own up.
        package var confirm: @Sendable (NodeID, ModelID, ShardIndex) async throws -> Bool = { _, _, _ in false }
        /// Fetches the header of a model that only peers have, into the library.
        package var learn: @Sendable (ModelID) async throws -> Void = { _ in }
        /// The shards of a model that are loaded.
        package var loadedShards: @Sendable (ModelID) async -> Set<ShardIndex> = { _ in [] }
        /// Whether a request computes with a shard or is about to, or a peer is fetching it from here.
        package var isInUse: @Sendable (LibraryModel, ShardIndex) async -> Bool = { _, _ in false }
        /// Makes a contribution level hold that was not in force before.
        package var applyContribution: @Sendable (ContributionLevel, PruneAggressiveness) async -> Void = { _, _ in }
        /// Called when what this node says of its models to others has changed.
        package var republish: @Sendable () async -> Void = {}

        package init() {}
    }
}
