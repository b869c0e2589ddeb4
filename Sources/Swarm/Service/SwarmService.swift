package import Events
package import Identifiers
package import Link
package import Logging
import ServiceLifecycle
package import Store
import Synchronization
package import Timing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Keeps this node in touch with every other node of its swarm.
///
/// One `Attend` stream stands with each peer, opened by either side. Records, pings and good-byes travel on it. Streams that
/// others open come in through `SwarmNodeService`, which the swarm's `LinkServer` serves; those to others are opened by `run`.
package final class SwarmService: Service, Membership {
    struct State {
        var table: PeerTable
        var own: SignedNodeRecord
        /// What this node would say of itself if there were room for everything.
        var wanted: NodeRecord
        var mailboxes: [PeerTable.SessionID: AttendMailbox] = [:]
        var channels: [NodeID: LinkChannel] = [:]
        /// Connections that `join` made, for `run` to attend on.
        var joined: [LinkChannel] = []
        var listeners: [Int: AsyncStream<SwarmChange>.Continuation] = [:]
        var nextListener = 0
        var random: any RandomNumberGenerator & Sendable
        var advertised: [LinkAddress] = []
        /// Peers that did not answer, as the log knows.
        var unanswered: Set<NodeID> = []
        /// Counts the swarms that this node has been in: what was begun in a former one is not gone on with.
        var membership = 0
        var isArchiveDirty = false
        var isSequenceDirty = true
        var isStopping = false
    }

    package let me: NodeID
    let identity: NodeIdentity
    let credentials: CurrentCredentials
    let swarmKeyPath: String?
    let archive: PeerArchive?
    let events: EventBus?
    let clock: NodeClock
    let limits: PeerTable.Limits
    let logger: Logger
    let state: Mutex<State>
    let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - record: what this node says about itself at first; addresses come with `listening`.
    ///   - swarmKeyPath: where the key of a swarm that is joined is kept; `nil` for nowhere.
    ///   - store: where peers are remembered; `nil` for nowhere.
    /// - Throws: `SwarmError` when the record breaks the rules or the store cannot be read.
    package init(
        identity: NodeIdentity, credentials: CurrentCredentials, record: NodeRecord = NodeRecord(),
        swarmKeyPath: String? = nil,
        store: Store? = nil, events: EventBus? = nil, clock: NodeClock = .system,
        limits: PeerTable.Limits = PeerTable.Limits(),
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(), logger: Logger
    ) throws(SwarmError) {
        self.me = identity.id
        self.identity = identity
        self.credentials = credentials
        self.swarmKeyPath = swarmKeyPath
        self.archive = store.map(PeerArchive.init(store:))
        self.events = events
        self.clock = clock
        self.limits = limits
        self.logger = logger
        var table = PeerTable(me: identity.id, limits: limits)
        var lastSequence: UInt64 = 0
        do {
            for peer in try archive?.load() ?? []
            where clock.date().timeIntervalSince(peer.lastSeen ?? clock.date()) < Self.memory {
                table.remember(
                    peer.id, addresses: peer.addresses, lastSeen: peer.lastSeen, nickname: peer.nickname,
                    at: clock.now())
            }
            // What was published just before a crash may not have been kept: leave a gap.
            lastSequence = try archive?.loadSequence() ?? 0
            if lastSequence > 0 { lastSequence += Self.sequenceGap }
        } catch {
            throw SwarmError(.storage, "the swarm's peers cannot be read from the database: \(error)", cause: error)
        }
        let own = try Self.sign(record, after: lastSequence, identity: identity, clock: clock)
        self.state = Mutex(State(table: table, own: own, wanted: own.record, random: random))
    }

    /// How long a peer that is not seen is remembered.
    private static let memory: TimeInterval = 90 * 86_400
    private static let sequenceGap: UInt64 = 10_000

    // MARK: What this node says

    package var ownRecord: NodeRecord { state.withLock { $0.own.record } }

    package func publish(_ update: (inout NodeRecord) -> Void) {
        state.withLock { state in
            var record = state.wanted
            update(&record)
            republish(record, in: &state)
        }
    }

    /// Tells the swarm where this node listens, as soon as it does.
    ///
    /// - Parameters:
    ///   - host: the address that the listener was given; a wildcard stands for all of the machine's addresses.
    ///   - advertised: further addresses, which come first: those that a router forwards, say.
    package func listening(host: String, port: Int, advertised: [LinkAddress] = []) {
        let addresses = AdvertisedAddresses.list(host: host, port: port, given: advertised)
        state.withLock { $0.advertised = addresses }
        publish { $0.addresses = addresses }
    }

    /// Signs and sends the record if it says anything new.
    func republish(_ record: NodeRecord, above sequence: UInt64 = 0, in state: inout State) {
        guard record != state.wanted || sequence >= state.own.record.sequence else { return }
        do throws(SwarmError) {
            let last = max(sequence, state.own.record.sequence)
            let before = state.own.record.omittedModels
            state.own = try Self.sign(record, after: last, identity: identity, clock: clock)
            let omitted = state.own.record.omittedModels
            if omitted > 0, omitted != before {
                logger.warning(
                    "this node's record has no room for all models: others do not learn of some",
                    metadata: ["named": "\(state.own.record.models.count)", "left_out": "\(omitted)"])
            }
            state.wanted = record
            state.isSequenceDirty = true
            for mailbox in state.mailboxes.values { mailbox.post(own: state.own.envelope) }
        } catch {
            logger.error("this node's record is not published", metadata: ["reason": "\(error)"])
        }
    }

    /// Sequence numbers follow the calendar, so that they grow over restarts even when the database is lost.
    private static func sign(
        _ record: NodeRecord, after last: UInt64, identity: NodeIdentity, clock: NodeClock
    ) throws(SwarmError) -> SignedNodeRecord {
        let date = clock.date()
        var record = record
        record.sequence = max(last + 1, UInt64(max(1, date.timeIntervalSince1970 * 1000)))
        record.issued = date
        record.omittedModels = 0
        return try SignedNodeRecord(record, identity: identity, now: date)
    }

    // MARK: What this node knows

    package func peers() -> [Peer] {
        let now = clock.now()
        return state.withLock { $0.table.peers(at: now) }
    }

    package func changes() -> AsyncStream<SwarmChange> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: SwarmChange.self, bufferingPolicy: .bufferingNewest(256))
        let number = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in _ = state.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    package func inviteCode() throws(SwarmError) -> String {
        let addresses = state.withLock { $0.advertised }
        guard !addresses.isEmpty else {
            throw SwarmError(.notListening, "the node does not listen for others yet: try again in a moment")
        }
        guard let swarm = credentials.value.swarm else {
            throw SwarmError(.notListening, "a worker of a cluster has no swarm to invite into")
        }
        return try Invite(swarm: swarm, addresses: addresses.map { Multiaddress($0, nodeID: me) }).code
    }

    func announce(_ changes: [SwarmChange]) {
        guard !changes.isEmpty else { return }
        let listeners = state.withLock { Array($0.listeners.values) }
        for change in changes {
            for listener in listeners { listener.yield(change) }
        }
    }
}
