package import Identifiers
import Link
import Timing

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// The streams: opening, hearing, silence, closing.
extension PeerTable {
    package enum Opening: Sendable, Equatable {
        /// The stream stands; `replaced` is to be ended.
        case open(SessionID, replaced: SessionID?)
        /// Another stream with this peer stands and stays.
        case duplicate
        /// The peer has this node's own id.
        case itself
        /// As many nodes are connected as may be.
        case full
    }

    /// Why a stream ended.
    package enum Ending: Sendable, Equatable {
        /// The connection broke, or the peer fell silent.
        case lost
        /// The peer said good-bye.
        case left
        /// The peer broke the rules.
        case violation
        /// Another stream with the same peer took its place.
        case replaced
    }

    /// A stream with a proven peer came about.
    package mutating func opened(_ id: NodeID, _ direction: Direction, host: String?, at now: Duration, date: Date)
        -> Opening
    {
        guard id != me else { return .itself }
        guard makeRoom(for: id, evicting: true, at: now) else { return .full }
        // Whoever is here is not forgotten.
        welcome(id)
        entries[id]?.isDialling = false
        let standing = entries[id]?.session
        if let standing, now - standing.lastHeard < limits.stale, standing.direction != direction {
            let preferred: Direction = me < id ? .dialled : .accepted
            guard direction == preferred else { return .duplicate }
        }
        let session = makeSessionID()
        entries[id]?.session = Session(
            id: session, direction: direction, host: host, openedAt: now, since: standing?.since ?? date,
            lastHeard: now,
            isIntroduced: standing?.isIntroduced ?? false)
        entries[id]?.lastSeen = date
        return .open(session, replaced: standing?.id)
    }

    /// Something came in; whether the peer had been silent so long that it did not count as responsive.
    @discardableResult
    package mutating func heard(_ id: NodeID, _ session: SessionID, at now: Duration, date: Date) -> Bool {
        guard entries[id]?.session?.id == session else { return false }
        let wasSilent = entries[id]?.session?.wasResponsive == false
        entries[id]?.session?.lastHeard = now
        entries[id]?.session?.wasResponsive = true
        entries[id]?.lastSeen = date
        return wasSilent
    }

    /// The peer's own record came on this stream; whether it is the first one since the peer connected.
    package mutating func introduce(_ id: NodeID, _ session: SessionID) -> Bool {
        guard let standing = entries[id]?.session, standing.id == session, !standing.isIntroduced else { return false }
        entries[id]?.session?.isIntroduced = true
        return true
    }

    /// The nonce of a ping that is sent now.
    package mutating func ping(_ id: NodeID, _ session: SessionID, at now: Duration) -> UInt64? {
        guard entries[id]?.session?.id == session else { return nil }
        let nonce = makeNonce()
        entries[id]?.session?.pings.append((nonce, now))
        // What was not echoed after ten more pings never will be.
        if let count = entries[id]?.session?.pings.count, count > 10 {
            entries[id]?.session?.pings.removeFirst(count - 10)
        }
        return nonce
    }

    /// An echo came; echoes of nothing are ignored.
    package mutating func echoed(_ id: NodeID, _ session: SessionID, nonce: UInt64, at now: Duration) {
        guard entries[id]?.session?.id == session,
            let index = entries[id]?.session?.pings.firstIndex(where: { $0.nonce == nonce }),
            let sentAt = entries[id]?.session?.pings[index].sentAt
        else { return }
        entries[id]?.session?.pings.remove(at: index)
        entries[id]?.session?.roundTrip.add(now - sentAt)
    }

    /// The stream ended; whether it was the one that stood.
    package mutating func closed(
        _ id: NodeID, _ session: SessionID, _ ending: Ending, at now: Duration, date: Date,
        using random: inout some RandomNumberGenerator
    ) -> Bool {
        guard var entry = entries[id], let standing = entry.session, standing.id == session else { return false }
        entry.session = nil
        switch ending {
        case .left:
            entry.lastSeen = date
            entry.failures = 0
            entry.nextDial = now + limits.afterLeaving * Double.random(in: 0.75...1.25, using: &random)
        case .violation:
            entry.failures += 1
            entry.nextDial = now + limits.afterViolation
        case .replaced:
            break
        case .lost where now - standing.openedAt >= limits.settled:
            entry.failures = 0
            let wait = me < id ? Duration.zero : limits.courtesy
            entry.nextDial = now + wait + .milliseconds(200) * Double.random(in: 0...1, using: &random)
        case .lost:
            entry.failures += 1
            entry.nextDial = now + limits.backOff.pause(afterFailures: entry.failures, using: &random)
        }
        entries[id] = entry
        return true
    }

    /// The streams that were silent for too long and are to be ended.
    package func silentSessions(at now: Duration) -> [SessionID] {
        entries.values.compactMap { entry in
            entry.session.flatMap { now - $0.lastHeard >= limits.silence ? $0.id : nil }
        }
    }

    /// The peers that stopped being responsive since this was asked last.
    package mutating func newlySilent(at now: Duration) -> [NodeID] {
        var silent: [NodeID] = []
        for (id, entry) in entries {
            guard let session = entry.session, session.wasResponsive, now - session.lastHeard > limits.responsive else {
                continue
            }
            entries[id]?.session?.wasResponsive = false
            silent.append(id)
        }
        return silent.sorted()
    }

    package var sessions: [(peer: NodeID, session: SessionID)] {
        entries.values.compactMap { entry in entry.session.map { (entry.id, $0.id) } }
    }

    package func session(with id: NodeID) -> SessionID? { entries[id]?.session?.id }
}
