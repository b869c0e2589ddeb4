package import Identifiers
import Synchronization
package import Timing

/// Which shards this node has promised to keep, and which it is giving up: never both at once.
///
/// A node that gives a shard up first makes another one promise to keep it. Whoever has promised does not give up its own
/// copy for a while, so that two nodes that confirm to each other do not both let go.
package final class ShardPromises: Sendable {
    /// How long a promise holds: longer than it takes the asker to delete, and to tell that it has.
    package static let lifetime: Duration = .seconds(600)

    private struct Key: Hashable {
        let model: ModelID
        let shard: ShardIndex
    }

    private struct State {
        var promised: [Key: Duration] = [:]
        var givingUp: Set<Key> = []
    }

    private let clock: NodeClock
    private let state = Mutex(State())

    package init(clock: NodeClock = .system) { self.clock = clock }

    /// Promises to keep a shard; the caller has seen that it is held.
    ///
    /// - Returns: false where this node is giving the shard up itself.
    package func promise(_ model: ModelID, _ shard: ShardIndex) -> Bool {
        let key = Key(model: model, shard: shard)
        let now = clock.now()
        return state.withLock { state in
            guard !state.givingUp.contains(key) else { return false }
            state.promised = state.promised.filter { $0.value > now }
            state.promised[key] = now + Self.lifetime
            return true
        }
    }

    /// Begins to give a shard up; from now on nothing is promised about it.
    ///
    /// - Returns: false where it is promised to another node, or being given up already.
    package func beginGivingUp(_ model: ModelID, _ shard: ShardIndex) -> Bool {
        let key = Key(model: model, shard: shard)
        let now = clock.now()
        return state.withLock { state in
            if let end = state.promised[key], end > now { return false }
            return state.givingUp.insert(key).inserted
        }
    }

    package func endGivingUp(_ model: ModelID, _ shard: ShardIndex) {
        _ = state.withLock { $0.givingUp.remove(Key(model: model, shard: shard)) }
    }
}
