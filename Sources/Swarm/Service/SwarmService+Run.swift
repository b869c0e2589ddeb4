import Identifiers
import Link
import Logging
import ServiceLifecycle
import Synchronization
import Timing

/// The service's own work: calling peers, pinging, noticing silence, remembering.
extension SwarmService {
    private static let tick: Duration = .milliseconds(500)
    private static let pingEvery: Duration = .seconds(1)
    private static let linksEvery: Duration = .seconds(10)
    private static let archiveEvery: Duration = .seconds(5)
    private static let dialTimeout: Duration = .seconds(5)
    private static let farewell: Duration = .milliseconds(500)

    /// Runs until graceful shutdown or cancellation; says good-bye to every peer then.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    try? await self.clock.sleep(Self.tick)
                    self.wake.continuation.yield()
                }
            }
            group.addTask {
                try? await gracefulShutdown()
                self.state.withLock { $0.isStopping = true }
                self.wake.continuation.yield()
            }
            var agenda = Agenda()
            for await _ in wake.stream {
                guard !state.withLock({ $0.isStopping }) else { break }
                for work in await housekeeping(&agenda) { group.addTask { await work() } }
            }
            state.withLock { $0.isStopping = true }
            await sayGoodbye()
            group.cancelAll()
        }
        remember()
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.finish() }
    }

    /// When each kind of work was done last.
    private struct Agenda {
        var pinged: Duration = .seconds(-3600)
        var linked: Duration = .zero
        var archived: Duration = .zero
    }

    /// - Returns: work to be done beside the rest.
    private func housekeeping(_ agenda: inout Agenda) async -> [@Sendable () async -> Void] {
        let now = clock.now()
        let pings = now - agenda.pinged >= Self.pingEvery - Self.tick / 4
        if pings { agenda.pinged = now }
        let (dials, joined, silent) = state.withLock { state -> ([PeerTable.Dial], [LinkChannel], [SwarmChange]) in
            for session in state.table.silentSessions(at: now) { state.mailboxes[session]?.close(.lost) }
            if pings {
                for (peer, session) in state.table.sessions {
                    if let nonce = state.table.ping(peer, session, at: now) { state.mailboxes[session]?.ping(nonce) }
                }
            }
            let joined = state.joined
            state.joined = []
            return (state.table.dialsDue(at: now), joined, state.table.newlySilent(at: now).map(SwarmChange.peer))
        }
        announce(silent)
        if now - agenda.linked >= Self.linksEvery {
            agenda.linked = now
            publishLinks()
        }
        if now - agenda.archived >= Self.archiveEvery {
            agenda.archived = now
            remember()
        }
        return dials.map { dial in { @Sendable in await self.call(dial) } }
            + joined.map { channel in { @Sendable in await self.attend(on: channel) } }
    }

    /// Calls a peer and attends on the connection, if one comes about.
    private func call(_ dial: PeerTable.Dial) async {
        let membership = state.withLock { $0.membership }
        do throws(LinkError) {
            let channel = try await LinkChannel.connect(
                to: .node(dial.id, addresses: dial.addresses), credentials: credentials, limits: .betweenNodes,
                timeout: Self.dialTimeout)
            // The peer may have called meanwhile.
            guard
                state.withLock({
                    !$0.isStopping && $0.membership == membership && $0.table.session(with: dial.id) == nil
                })
            else {
                state.withLock { $0.table.dialDropped(dial.id, at: clock.now()) }
                return
            }
            await attend(on: channel, membership: membership)
        } catch {
            let (isNews, isAlone) = state.withLock { state in
                state.table.dialFailed(dial.id, at: clock.now(), using: &state.random)
                return (state.unanswered.insert(dial.id).inserted, state.table.sessions.isEmpty)
            }
            // Alone, a node may wait for a swarm that it cannot reach.
            logger.log(
                level: !isNews ? .debug : isAlone ? .warning : .info,
                "a peer does not answer; it is called again until it does",
                metadata: [
                    "peer": "\(dial.id.short)",
                    "addresses": "\(dial.addresses.map(\.description).joined(separator: ", "))",
                    "reason": "\(error.message)",
                ])
        }
    }

    /// Says good-bye on every stream, and ends those that do not end by themselves.
    func sayGoodbye() async {
        let mailboxes = state.withLock { Array($0.mailboxes.values) }
        for mailbox in mailboxes { mailbox.leave() }
        let deadline = clock.now() + Self.farewell
        while clock.now() < deadline, !state.withLock({ $0.mailboxes.isEmpty }) {
            guard (try? await clock.sleep(.milliseconds(20))) != nil else { break }
        }
        for mailbox in mailboxes { mailbox.close(.left) }
    }

    /// Tells the swarm how far the others are from here, when that has changed much.
    private func publishLinks() {
        let now = clock.now()
        state.withLock { state in
            var links: [NodeID: Duration] = [:]
            for peer in state.table.peers(at: now) where links.count < RecordRules.maximumLinks {
                links[peer.id] = peer.minimumRoundTrip.map { .milliseconds(($0.milliseconds * 100).rounded() / 100) }
            }
            let known = state.own.record.links
            let isAlike =
                links.keys == known.keys
                && known.allSatisfy { node, old in
                    links[node].map { abs(($0 - old).milliseconds) < max(0.5, old.milliseconds * 0.25) } ?? false
                }
            guard !isAlike else { return }
            var record = state.wanted
            record.links = links
            republish(record, in: &state)
        }
    }

    /// Writes to the store what is worth keeping over a restart.
    func remember() {
        guard let archive else { return }
        let (peers, sequence) = state.withLock { state -> ([ArchivedPeer]?, UInt64?) in
            defer {
                state.isArchiveDirty = false
                state.isSequenceDirty = false
            }
            return (
                state.isArchiveDirty ? state.table.archive : nil,
                state.isSequenceDirty ? state.own.record.sequence : nil
            )
        }
        do {
            if let peers { try archive.save(peers) }
            if let sequence { try archive.saveSequence(sequence) }
        } catch {
            state.withLock { state in
                if peers != nil { state.isArchiveDirty = true }
                if sequence != nil { state.isSequenceDirty = true }
            }
            logger.error(
                "the swarm's peers cannot be kept: after a restart they have to find this node",
                metadata: ["reason": "\(error)"])
        }
    }
}
