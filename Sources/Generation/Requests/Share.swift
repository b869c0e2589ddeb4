/// Whose share of the node a piece of work counts against.
package struct Share: Hashable, Sendable {
    /// What weights may be.
    package static let weights = 1...1000
    /// What a caller counts who was given no weight.
    package static let standardWeight = 10

    /// The node's own.
    package static let node = Share(caller: "")

    /// Names the caller: a user's id, `node` for the node key, `master` for a cluster's; empty for the node itself.
    package var caller: String
    /// How much the caller gets beside others who want the same: one of weight 20 twice as much as one of weight 10.
    package var weight: Int

    package init(caller: String, weight: Int = Share.standardWeight) {
        self.caller = caller
        self.weight = min(max(weight, Self.weights.lowerBound), Self.weights.upperBound)
    }
}
