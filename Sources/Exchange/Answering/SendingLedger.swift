package import Identifiers
import Link

/// Who is being sent which shards: a pure value.
package struct SendingLedger: Sendable {
    package struct Limits: Sendable {
        /// Sendings at once.
        package var sendings = 16
        /// Sendings to one peer at once.
        package var sendingsPerPeer = 8

        package init() {}
    }

    /// Why a shard is not sent now.
    package enum Refusal: Error, Sendable, Hashable {
        case busy(sendings: Int)
        case busyWithPeer(sendings: Int)
    }

    package let limits: Limits
    private var sendings: [ShardID: [NodeID: Int]] = [:]
    private var perPeer: [NodeID: Int] = [:]
    private var total = 0

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// A sending begins, which ``ended(_:to:)`` has to follow.
    package mutating func began(_ shard: ShardID, to peer: NodeID) throws(Refusal) {
        let withPeer = perPeer[peer, default: 0]
        guard withPeer < limits.sendingsPerPeer else { throw .busyWithPeer(sendings: withPeer) }
        guard total < limits.sendings else { throw .busy(sendings: total) }
        sendings[shard, default: [:]][peer, default: 0] += 1
        perPeer[peer] = withPeer + 1
        total += 1
    }

    package mutating func ended(_ shard: ShardID, to peer: NodeID) {
        func lessOne(_ count: Int?) -> Int? { count.flatMap { $0 > 1 ? $0 - 1 : nil } }
        guard let count = sendings[shard]?[peer], count > 0 else { return }
        sendings[shard]?[peer] = lessOne(count)
        if sendings[shard]?.isEmpty == true { sendings[shard] = nil }
        perPeer[peer] = lessOne(perPeer[peer])
        total -= 1
    }

    /// The shards that are being sent.
    package var inUse: Set<ShardID> { Set(sendings.keys) }
}
