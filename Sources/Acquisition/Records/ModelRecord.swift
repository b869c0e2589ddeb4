package import FoundationEssentials
package import Identifiers

/// What this node remembers of a model besides its bytes: what an operator decided about it, and what was seen of it.
package struct ModelRecord: Sendable, Hashable {
    /// The same of one of its shards.
    package struct Shard: Sendable, Hashable {
        /// An operator said that it stays.
        package var isLocked = false
        /// An operator deleted it, and nobody has asked for it since.
        package var isDeleted = false
        /// Since when it is known to be here; nil: it is not.
        package var heldSince: Date?
        /// When it was last seen loaded.
        package var lastUsed: Date?
        /// When this node gave it up by itself.
        package var pruned: Date?

        package init() {}

        /// Whether there is nothing to remember.
        var isBlank: Bool { self == Shard() }
    }

    /// Where the publisher has the model.
    package var origin: ModelOrigin?
    /// Whether a peer told the origin, and no operator.
    package var isOriginHearsay = false
    /// Nil: nothing has happened that trust could go by.
    package var trust: ModelTrust?
    package var policy = ModelPolicy.standard
    /// An operator deleted the model, and nobody has asked for it since.
    package var isDeleted = false
    package var shards: [ShardIndex: Shard] = [:]

    package init() {}

    /// The shards that are marked so.
    package func shards(where isMarked: (Shard) -> Bool) -> Set<ShardIndex> {
        Set(shards.filter { isMarked($0.value) }.keys)
    }
}
