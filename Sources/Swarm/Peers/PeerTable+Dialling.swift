package import Identifiers
package import Link
import Timing

/// Whom to call when.
extension PeerTable {
    /// A call that is due.
    package struct Dial: Sendable, Equatable {
        package let id: NodeID
        package let addresses: [LinkAddress]
    }

    /// The calls that are due, best known first; each has to be answered with `opened`, `dialFailed` or `dialDropped`.
    package mutating func dialsDue(at now: Duration) -> [Dial] {
        let running = entries.values.count { $0.isDialling }
        let due = entries.values.filter { entry in
            entry.session == nil && !entry.isDialling && entry.nextDial <= now && !entry.addresses.isEmpty
        }
        let chosen = due.sorted { ($0.failures, $0.nextDial, $0.id) < ($1.failures, $1.nextDial, $1.id) }
            .prefix(max(0, limits.dials - running))
        for entry in chosen { entries[entry.id]?.isDialling = true }
        return chosen.map { Dial(id: $0.id, addresses: $0.addresses) }
    }

    /// When the next call is due, if one is waited for.
    package var nextDial: Duration? {
        entries.values.filter { $0.session == nil && !$0.isDialling && !$0.addresses.isEmpty }.map(\.nextDial).min()
    }

    /// Nobody answered, or somebody else did.
    package mutating func dialFailed(_ id: NodeID, at now: Duration, using random: inout some RandomNumberGenerator) {
        guard var entry = entries[id] else { return }
        entry.isDialling = false
        entry.failures += 1
        entry.nextDial = now + limits.backOff.pause(afterFailures: entry.failures, using: &random)
        entries[id] = entry
    }

    /// The call came to nothing for want of need: another stream stands, or the node stops.
    package mutating func dialDropped(_ id: NodeID, at now: Duration) {
        entries[id]?.isDialling = false
        entries[id]?.nextDial = now + limits.courtesy
    }
}
