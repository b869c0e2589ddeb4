/// How many nodes should hold each shard of a model.
///
/// The floor is ⌈log₂ pool⌉, at most a third of the pool and at least the configured minimum. Demand multiplies it by
/// 1 to 3, and the pool is the ceiling: `min(pool, max(1, ⌈floor × factor⌉))`.
package enum ReplicationTarget {
    /// How much a model is asked for lately, in the steps that count.
    package enum Demand: Int, Sendable, Hashable, Comparable, CaseIterable {
        case none, low, medium, high, extreme

        /// The step of a number of requests: 0, 1 to 5, 6 to 20, 21 to 100, more.
        package init(requests: Int) {
            self =
                switch requests {
                case ...0: .none
                case ...5: .low
                case ...20: .medium
                case ...100: .high
                default: .extreme
                }
        }

        /// The factor in halves: 1, 1.5, 2, 2.5, 3.
        var halves: Int { rawValue + 2 }

        /// The next higher step, or the highest.
        package var next: Demand { Demand(rawValue: rawValue + 1) ?? self }

        package static func < (left: Demand, right: Demand) -> Bool { left.rawValue < right.rawValue }
    }

    /// Holders wanted for each shard, at least 1.
    ///
    /// - Parameters:
    ///   - pool: nodes that are there, this one included.
    ///   - minimumReplicas: the least floor.
    package static func holders(pool: Int, demand: Demand, minimumReplicas: Int) -> Int {
        let pool = max(1, pool)
        let logarithm = pool == 1 ? 0 : Int.bitWidth - (pool - 1).leadingZeroBitCount
        // Capped by the pool before it is multiplied: an absurd minimum cannot overflow.
        let floor = min(pool, max(minimumReplicas, min(logarithm, pool / 3)))
        return min(pool, max(1, (floor * demand.halves + 1) / 2))
    }
}
