package import Identifiers
package import Link
package import Timing

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Everybody this node knows, who is connected, and whom to call when: a pure value. Times are offsets on one monotonic
/// clock; whoever drives the table reports what happened and does what it answers.
///
/// Between two nodes one stream is enough. Each calls the other when there is none; should both get through at once,
/// the one that was opened by the node with the smaller id stays.
package struct PeerTable: Sendable {
    package struct Limits: Sendable {
        /// Nodes that are known at once.
        package var peers = 200
        /// Addresses that are kept for a node beyond those of its own record.
        package var learnedAddresses = 8
        /// Calls that run at once.
        package var dials = 8
        /// A peer that was not heard of for this long is not planned with.
        package var responsive: Duration = .seconds(3)
        /// Its stream is ended after this long.
        package var silence: Duration = .seconds(6)
        /// A stream that was silent this long gives way to a new one, whoever opened that.
        package var stale: Duration = .seconds(2)
        /// A stream that lasted this long counts as success: the next call is made soon.
        package var settled: Duration = .seconds(10)
        /// Before a peer that said good-bye is called again.
        package var afterLeaving: Duration = .seconds(30)
        /// Before a peer that broke the rules is called again.
        package var afterViolation: Duration = .seconds(300)
        /// By how much the node with the larger id lets the other call first.
        package var courtesy: Duration = .seconds(1)
        /// Between calls of a peer that does not answer.
        package var backOff = BackOff(first: .seconds(1), longest: .seconds(60), spread: 0.75...1.25)

        package init() {}
    }

    /// One `Attend` stream, for as long as it stands.
    package struct SessionID: Hashable, Sendable {
        let number: UInt64
    }

    package enum Direction: Sendable {
        case dialled
        case accepted
    }

    struct Session: Sendable {
        let id: SessionID
        let direction: Direction
        let host: String?
        let openedAt: Duration
        let since: Date
        var lastHeard: Duration
        var wasResponsive = true
        /// Whether its own record has come.
        var isIntroduced: Bool
        var roundTrip = RoundTrip()
        /// When each ping that has no echo yet was sent.
        var pings: [(nonce: UInt64, sentAt: Duration)] = []
    }

    struct Entry: Sendable {
        let id: NodeID
        var learned: [LinkAddress] = []
        var signed: SignedNodeRecord?
        var session: Session?
        var failures = 0
        var nextDial: Duration
        var isDialling = false
        var lastSeen: Date?
        let knownSince: Duration
        /// What it was called before the last restart.
        var formerNickname = ""

        var nickname: String { signed?.record.nickname ?? formerNickname }

        /// The record's addresses come first once there is one: the node knows best.
        var addresses: [LinkAddress] {
            let own = signed?.addresses ?? []
            return own + learned.filter { !own.contains($0) }
        }
    }

    package let me: NodeID
    let limits: Limits
    var entries: [NodeID: Entry] = [:]
    /// Members that an operator has forgotten, with the latest record that was known of them: others tell of it for as long as they
    /// remember it.
    private var forgotten: [NodeID: UInt64] = [:]
    private static let maximumForgotten = 1000
    private var nextSession: UInt64 = 1
    private var nextNonce: UInt64 = 1

    package init(me: NodeID, limits: Limits = Limits()) {
        self.me = me
        self.limits = limits
    }

    /// Everybody known, in the order of their ids.
    package func peers(at now: Duration) -> [Peer] {
        entries.values.sorted { $0.id < $1.id }.map { peer($0, at: now) }
    }

    package func peer(_ id: NodeID, at now: Duration) -> Peer? {
        entries[id].map { peer($0, at: now) }
    }

    package var count: Int { entries.count }

    /// Everybody's record, without this node's own.
    package func records(except id: NodeID) -> [RecordEnvelope] {
        entries.values.filter { $0.id != id }.sorted { $0.id < $1.id }.compactMap { $0.signed?.envelope }
    }

    /// What is worth keeping over a restart.
    package var archive: [ArchivedPeer] {
        entries.values.sorted { $0.id < $1.id }.map {
            ArchivedPeer(id: $0.id, addresses: $0.addresses, lastSeen: $0.lastSeen, nickname: $0.nickname)
        }
    }

    /// Takes note of a node and of where it may be called; without effect on this node itself and when the table is full.
    package mutating func remember(
        _ id: NodeID, addresses: [LinkAddress], lastSeen: Date? = nil, nickname: String? = nil, at now: Duration
    ) {
        guard id != me, makeRoom(for: id, evicting: lastSeen != nil, at: now) else { return }
        var learned = entries[id]?.learned ?? []
        for address in addresses.reversed() where !address.isWildcard && address.port > 0 {
            learned.removeAll { $0 == address }
            learned.insert(address, at: 0)
        }
        entries[id]?.learned = Array(learned.prefix(limits.learnedAddresses))
        if let lastSeen { entries[id]?.lastSeen = lastSeen }
        if let nickname { entries[id]?.formerNickname = nickname }
    }

    /// Forgets everybody, as on moving to another swarm; the streams that stood.
    package mutating func forgetAll() -> [SessionID] {
        let sessions = entries.values.compactMap { $0.session?.id }
        entries = [:]
        forgotten = [:]
        return sessions
    }

    /// What became of the wish to forget a node.
    package enum Forgetting: Sendable, Equatable {
        case forgotten
        case unknown
        /// A stream with it stands.
        case connected
    }

    /// Forgets a node that is not connected. It comes back with a new record, or when it calls.
    package mutating func forget(_ id: NodeID) -> Forgetting {
        guard let entry = entries[id] else { return .unknown }
        guard entry.session == nil else { return .connected }
        entries[id] = nil
        if forgotten.count >= Self.maximumForgotten { forgotten = [:] }
        forgotten[id] = entry.signed?.record.sequence ?? 0
        return .forgotten
    }

    /// Takes it back that a node was forgotten.
    mutating func welcome(_ id: NodeID) { forgotten[id] = nil }

    /// What became of a record.
    package enum RecordOutcome: Sendable, Equatable {
        /// A node that was not known.
        case new
        case updated
        /// As old as what is known, or older.
        case stale
        /// This node's own, with this sequence number.
        case mine(sequence: UInt64)
        /// There is no room for another node.
        case full
    }

    package mutating func received(_ signed: SignedNodeRecord, at now: Duration) -> RecordOutcome {
        guard signed.id != me else { return .mine(sequence: signed.record.sequence) }
        if let latest = forgotten[signed.id] {
            guard signed.record.sequence > latest else { return .stale }
            forgotten[signed.id] = nil
        }
        let isNew = entries[signed.id]?.signed == nil
        if let known = entries[signed.id]?.signed, signed.record.sequence <= known.record.sequence { return .stale }
        guard makeRoom(for: signed.id, evicting: false, at: now) else { return .full }
        let moved = entries[signed.id]?.signed?.record.addresses != signed.record.addresses
        entries[signed.id]?.signed = signed
        if moved, let entry = entries[signed.id], entry.session == nil {
            // It can be called somewhere else now: earlier failures say nothing about that.
            entries[signed.id]?.failures = 0
            let firstDial = firstDial(of: signed.id, at: now)
            entries[signed.id]?.nextDial = min(entry.nextDial, firstDial)
        }
        return isNew ? .new : .updated
    }

    mutating func makeSessionID() -> SessionID {
        defer { nextSession += 1 }
        return SessionID(number: nextSession)
    }

    mutating func makeNonce() -> UInt64 {
        defer { nextNonce += 1 }
        return nextNonce
    }

    /// Makes sure that `id` has an entry.
    ///
    /// - Parameter evicting: whether the node that was not seen for longest gives way when the table is full.
    mutating func makeRoom(for id: NodeID, evicting: Bool, at now: Duration) -> Bool {
        if entries[id] != nil { return true }
        if entries.count >= limits.peers {
            let idle = entries.values.filter { $0.session == nil && !$0.isDialling && (evicting || $0.lastSeen == nil) }
            let victim = idle.min { left, right in
                (left.lastSeen ?? .distantPast, left.knownSince, left.id) < (
                    right.lastSeen ?? .distantPast, right.knownSince, right.id
                )
            }
            guard evicting, let victim else { return false }
            entries[victim.id] = nil
        }
        let firstDial = firstDial(of: id, at: now)
        entries[id] = Entry(id: id, nextDial: firstDial, knownSince: now)
        return true
    }

    private func firstDial(of id: NodeID, at now: Duration) -> Duration {
        me < id ? now : now + limits.courtesy
    }

    private func peer(_ entry: Entry, at now: Duration) -> Peer {
        Peer(
            id: entry.id, record: entry.signed?.record, nickname: entry.nickname, addresses: entry.addresses,
            host: entry.session?.host,
            roundTrip: entry.session?.roundTrip.smoothed, minimumRoundTrip: entry.session?.roundTrip.minimum,
            connectedSince: entry.session?.since, lastSeen: entry.lastSeen,
            healthy: entry.session.map { $0.isIntroduced && now - $0.lastHeard <= limits.responsive } ?? false)
    }
}
