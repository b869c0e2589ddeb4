/// One shard of one model.
package struct ShardID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let model: ModelID
    package let index: ShardIndex

    package init(model: ModelID, index: ShardIndex) {
        self.model = model
        self.index = index
    }

    package static func < (left: ShardID, right: ShardID) -> Bool {
        (left.model, left.index) < (right.model, right.index)
    }

    package var description: String { "shard \(index) of \(model)" }
}
