package import Link

/// Who is being sent which shards, whom this node has promised to keep which, and which it is about to give up: a pure
/// value. Times are offsets on one monotonic clock.
package struct SendingLedger: Sendable {
    package struct Limits: Sendable {
        /// Sendings at once.
        package var sendings = 16
        /// Sendings to one peer at once.
        package var sendingsPerPeer = 4
        /// How long a promise holds.
        package var promise: Duration = .seconds(600)

        package init() {}
    }

    /// Why a shard is not sent now.
    package enum Refusal: Error, Sendable, Hashable {
        case busy(sendings: Int)
        case busyWithPeer(sendings: Int)
        /// This node is giving the shard up.
        case goingAway
    }

    package let limits: Limits
    private var sendings: [ShardID: [NodeID: Int]] = [:]
    private var perPeer: [NodeID: Int] = [:]
    private var total = 0
    private var promised: [ShardID: Duration] = [:]
    private var goingAway: Set<ShardID> = []

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// A sending begins, which ``ended(_:to:)`` has to follow.
    package mutating func began(_ shard: ShardID, to peer: NodeID) throws(Refusal) {
        guard !goingAway.contains(shard) else { throw .goingAway }
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

    /// A peer counts on this node's copy from now on; false where the copy is about to go.
    package mutating func promise(_ shard: ShardID, at now: Duration) -> Bool {
        guard !goingAway.contains(shard) else { return false }
        promised = promised.filter { $0.value > now }
        promised[shard] = now + limits.promise
        return true
    }

    /// The shards that peers count on.
    package func promises(at now: Duration) -> Set<ShardID> {
        Set(promised.filter { $0.value > now }.keys)
    }

    package func isGoingAway(_ shard: ShardID) -> Bool { goingAway.contains(shard) }

    /// This node wants to give its copy up, and promises it to nobody until ``stay(_:)``; false where a peer counts on it,
    /// is being sent it, or somebody gives it up already.
    package mutating func goAway(_ shard: ShardID, at now: Duration) -> Bool {
        guard sendings[shard] == nil, promised[shard].map({ $0 <= now }) ?? true else { return false }
        return goingAway.insert(shard).inserted
    }

    package mutating func stay(_ shard: ShardID) { goingAway.remove(shard) }
}
