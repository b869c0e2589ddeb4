import Events
import GRPCCore
import Identifiers
import Link
import Logging
import Synchronization
import Timing

/// One stream with one peer, whichever side opened it.
extension SwarmService {
    /// A stream that stands.
    struct Attendance: Sendable {
        let peer: NodeID
        let id: PeerTable.SessionID
        let mailbox: AttendMailbox
    }

    /// - Returns: `nil` when another stream with the peer stands and stays.
    func open(
        _ peer: NodeID, _ direction: PeerTable.Direction, host: String?, _ membership: Int? = nil
    ) throws -> Attendance? {
        let (now, date) = (clock.now(), clock.date())
        return try state.withLock { state in
            guard !state.isStopping else { throw RPCError(code: .unavailable, message: "the node stops") }
            guard membership == nil || membership == state.membership else { return nil }
            switch state.table.opened(peer, direction, host: host, at: now, date: date) {
            case .duplicate: return nil
            case .itself: throw RPCError(code: .permissionDenied, message: "a node does not attend itself")
            case .full: throw RPCError(code: .resourceExhausted, message: "this node knows as many peers as it may")
            case .open(let id, let replaced):
                if let replaced { state.mailboxes[replaced]?.close(.replaced) }
                state.unanswered.remove(peer)
                // A peer that calls anew may have moved.
                state.channels[peer] = nil
                let mailbox = AttendMailbox()
                state.mailboxes[id] = mailbox
                mailbox.post(own: state.own.envelope)
                mailbox.post(known: state.table.records(except: peer))
                return Attendance(peer: peer, id: id, mailbox: mailbox)
            }
        }
    }

    /// Runs the parts of a stream until one of them ends or the mailbox is closed.
    func hold(_ session: Attendance, _ parts: (inout ThrowingTaskGroup<Void, any Error>) -> Void) async throws {
        var failure: (any Error)?
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                parts(&group)
                group.addTask { await session.mailbox.waitUntilClosed() }
                defer { group.cancelAll() }
                try await group.next()
                // Good-bye is on its way: let it arrive.
                if session.mailbox.ending == .left { try? await clock.sleep(.milliseconds(100)) }
            }
        } catch {
            failure = error
        }
        if failure is Violation { session.mailbox.close(.violation) }
        session.mailbox.close(.lost)
        close(session, failure: failure)
        if let violation = failure as? Violation {
            throw RPCError(code: .invalidArgument, message: "cut off: \(violation.reason)")
        }
        if let failure { throw failure }
    }

    private func close(_ session: Attendance, failure: (any Error)?) {
        let (now, date) = (clock.now(), clock.date())
        let ending = session.mailbox.ending ?? .lost
        let stood = state.withLock { state in
            state.mailboxes[session.id] = nil
            let stood = state.table.closed(session.peer, session.id, ending, at: now, date: date, using: &state.random)
            if stood { state.channels[session.peer] = nil }
            state.isArchiveDirty = true
            return stood
        }
        if let violation = failure as? Violation {
            logger.notice("cut off a peer", metadata: ["peer": "\(session.peer)", "reason": "\(violation.reason)"])
        }
        guard stood else { return }
        logger.info("a peer disconnected", metadata: ["peer": "\(session.peer)", "reason": "\(ending)"])
        events?.publish(
            NodeEvent(
                .network(.peerDisconnected), "Node \(session.peer.short) is no longer connected.",
                node: session.peer.short))
        announce([.peer(session.peer)])
        wake.continuation.yield()
    }

    /// Does what a message asks for.
    ///
    /// - Returns: whether more may come.
    /// - Throws: `Violation`.
    func hear(_ message: AttendMessage?, _ session: Attendance, _ rules: inout AttendRules) throws -> Bool {
        let now = clock.now()
        let wasSilent = state.withLock { $0.table.heard(session.peer, session.id, at: now, date: clock.date()) }
        if wasSilent { announce([.peer(session.peer)]) }
        try rules.admit(message, at: now)
        switch message {
        case .record(let envelope): try accept(envelope, session)
        case .known(let envelopes): try meet(envelopes)
        case .ping(let nonce):
            guard session.mailbox.echo(nonce) else { throw Violation("it pings faster than it reads") }
        case .echo(let nonce):
            state.withLock { $0.table.echoed(session.peer, session.id, nonce: nonce, at: now) }
        case .leaving:
            session.mailbox.close(.left)
            return false
        case nil: throw Violation("it sent an empty message")
        }
        return true
    }

    /// The peer's own record.
    private func accept(_ envelope: RecordEnvelope, _ session: Attendance) throws {
        let signed = try check(envelope)
        guard signed.id == session.peer else { throw Violation("it introduced itself as node \(signed.id.short)") }
        let now = clock.now()
        let outcome = state.withLock { state in
            state.isArchiveDirty = true
            // Where it was seen, with the port it listens on, is one more address to try.
            if let host = state.table.entries[session.peer]?.session?.host, let port = signed.addresses.first?.port,
                let seen = LinkAddress(host: host, port: port), !signed.addresses.contains(seen)
            {
                state.table.remember(session.peer, addresses: [seen], at: now)
            }
            let outcome = state.table.received(signed, at: now)
            if outcome == .new { spread(signed, in: state) }
            if outcome == .stale, let known = state.table.entries[session.peer]?.signed,
                known.record.sequence > signed.record.sequence
            {
                // It has forgotten how far it was: show it, so that it goes on from there.
                session.mailbox.post(known: [known.envelope])
            }
            return outcome
        }
        if outcome == .new {
            logger.info("met a peer", metadata: ["peer": "\(signed.id)", "nickname": "\(signed.record.nickname)"])
        }
        if state.withLock({ $0.table.introduce(session.peer, session.id) }) {
            events?.publish(
                NodeEvent(
                    .network(.peerConnected), "Node \(session.peer.short) is connected.", node: session.peer.short))
        }
        announce([.peer(session.peer)])
    }

    /// Records of third nodes.
    private func meet(_ envelopes: [RecordEnvelope]) throws {
        for envelope in envelopes {
            let signed = try check(envelope)
            let now = clock.now()
            let outcome = state.withLock { state in
                let outcome = state.table.received(signed, at: now)
                switch outcome {
                case .mine(let sequence):
                    // A record of this node's past that is ahead of it: its database was lost, or its clock went back.
                    republish(state.wanted, above: sequence, in: &state)
                case .new:
                    state.isArchiveDirty = true
                    spread(signed, in: state)
                default: break
                }
                return outcome
            }
            if outcome == .new || outcome == .updated { announce([.peer(signed.id)]) }
            if outcome == .new { wake.continuation.yield() }
        }
    }

    /// Tells the connected peers of a node that was new to this one.
    private func spread(_ signed: SignedNodeRecord, in state: State) {
        for (peer, session) in state.table.sessions where peer != signed.id {
            state.mailboxes[session]?.post(known: [signed.envelope])
        }
    }

    private func check(_ envelope: RecordEnvelope) throws -> SignedNodeRecord {
        do throws(SwarmError) {
            return try SignedNodeRecord(checking: envelope, now: clock.date())
        } catch {
            throw Violation(error.message)
        }
    }
}

/// A peer that breaks the rules is cut off.
struct Violation: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// What a peer may send when on one stream.
struct AttendRules {
    private static let messagesPerSecond = 200

    private var isIntroduced = false
    private var second: Duration = .zero
    private var count = 0

    /// - Throws: `Violation`.
    mutating func admit(_ message: AttendMessage?, at now: Duration) throws(Violation) {
        if now - second >= .seconds(1) {
            second = now
            count = 0
        }
        count += 1
        guard count <= Self.messagesPerSecond else {
            throw Violation("it sent more than \(Self.messagesPerSecond) messages a second")
        }
        switch message {
        case .record: isIntroduced = true
        case .known(let envelopes):
            guard envelopes.count <= 256 else { throw Violation("it sent more than 256 records at once") }
            fallthrough
        default:
            guard isIntroduced else { throw Violation("it spoke before it introduced itself") }
        }
    }
}
