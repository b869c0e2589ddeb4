import Events
package import Identifiers
import Link
import Logging
import Synchronization

/// Going out of a swarm, and forgetting members that will not come back.
extension SwarmService {
    /// Says good-bye to every peer, forgets them all, and goes on alone under a new key.
    ///
    /// - Parameter disconnect: ends the connections that peers have made, which have proven to hold the former key.
    /// - Returns: how many peers were known.
    /// - Throws: `SwarmError` with `storage` when the new key cannot be kept; nothing has changed then.
    @discardableResult
    package func leaveSwarm(disconnect: @Sendable () -> Void = {}) async throws(SwarmError) -> Int {
        let key = SwarmKey()
        do {
            let made = try LinkCredentials(identity: identity, swarm: key)
            if let swarmKeyPath { try key.save(path: swarmKeyPath) }
            try credentials.replace(with: made)
        } catch {
            throw SwarmError(.storage, "the key of a new swarm cannot be kept: \(error)", cause: error)
        }
        state.withLock { $0.membership += 1 }
        await sayGoodbye()
        disconnect()
        let (count, mailboxes, channels) = state.withLock { state in
            let count = state.table.count
            let mailboxes = state.table.forgetAll().compactMap { state.mailboxes[$0] }
            let channels = Array(state.channels.values) + state.joined
            state.channels = [:]
            state.joined = []
            state.unanswered = []
            state.isArchiveDirty = true
            return (count, mailboxes, channels)
        }
        for mailbox in mailboxes { mailbox.close(.left) }
        for channel in channels { channel.abort() }
        remember()
        logger.notice("left the swarm", metadata: ["peers": "\(count)", "swarm": "\(key.fingerprint)"])
        events?.publish(
            NodeEvent(.network(.swarmLeft), "This node has left its swarm and is alone now."))
        announce([.credentials])
        return count
    }

    /// Forgets a member that is away.
    ///
    /// - Throws: `SwarmError` with `unknownPeer`, or `peerConnected` for one that would be back at once.
    package func forget(_ id: NodeID) throws(SwarmError) {
        let outcome = state.withLock { state -> PeerTable.Forgetting in
            let outcome = state.table.forget(id)
            if outcome == .forgotten {
                state.unanswered.remove(id)
                state.isArchiveDirty = true
            }
            return outcome
        }
        switch outcome {
        case .unknown: throw SwarmError(.unknownPeer, "the swarm has no node \(id.short)")
        case .connected:
            throw SwarmError(
                .peerConnected,
                "node \(id.short) is connected and would be back at once: have it leave (“shoal leave” there), or stop it first"
            )
        case .forgotten:
            remember()
            announce([.peer(id)])
        }
    }
}
