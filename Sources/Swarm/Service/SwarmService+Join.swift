import Events
package import Identifiers
package import Link
import Logging
import Synchronization
import Timing

/// Coming into a swarm, and reaching its members.
extension SwarmService {
    private static let joinTimeout: Duration = .seconds(8)

    @discardableResult
    package func join(code: String) async throws(SwarmError) -> Multiaddress {
        let code = code.trimming()
        guard code.utf8.count <= Invite.maximumCharacters else {
            throw SwarmError(
                .codeTooLong, "the code has more than \(Invite.maximumCharacters) characters: it is not one of ours")
        }
        if code.hasPrefix("/") {
            return try await join([try Multiaddress(code)], credentials: credentials)
        }
        let invite = try Invite(code: code)
        guard invite.swarm != credentials.value.swarm else {
            return try await join(invite.addresses, credentials: credentials)
        }
        try SwarmAdoption.check(knownPeers: state.withLock { $0.table.count })
        // Nothing changes before a member has answered under the new key.
        do {
            let made = try LinkCredentials(identity: identity, swarm: invite.swarm)
            let channel = try await dial(invite.addresses, credentials: CurrentCredentials(made))
            if let swarmKeyPath { try invite.swarm.save(path: swarmKeyPath) }
            try credentials.replace(with: made)
            let answered = try adopt(channel, from: invite.addresses)
            logger.notice("joined another swarm", metadata: ["swarm": "\(invite.swarm.fingerprint)"])
            announce([.credentials])
            return answered
        } catch let error as LinkError {
            throw SwarmError(.storage, "the new swarm's key cannot be used: \(error.message)", cause: error)
        } catch let error as SwarmError {
            throw error
        } catch {
            throw SwarmError(.storage, "the new swarm's key cannot be used", cause: error)
        }
    }

    /// A connection to a peer, shared by all callers. It goes when the peer disconnects.
    package func channel(to id: NodeID) async throws(LinkError) -> LinkChannel {
        let (known, addresses) = state.withLock { ($0.channels[id], $0.table.entries[id]?.addresses) }
        if let known { return known }
        guard let addresses else { throw LinkError(.unreachable, "node \(id.short) is not known") }
        let channel = try await LinkChannel.connect(
            to: .node(id, addresses: addresses), credentials: credentials, limits: .betweenNodes)
        return state.withLock { state in
            if let known = state.channels[id] { return known }
            // Without a stream nothing would notice when the peer goes; such a connection serves its caller alone.
            if state.table.session(with: id) != nil { state.channels[id] = channel }
            return channel
        }
    }

    private func join(_ addresses: [Multiaddress], credentials: CurrentCredentials) async throws(SwarmError)
        -> Multiaddress
    {
        try adopt(await dial(addresses, credentials: credentials), from: addresses)
    }

    private func adopt(_ channel: LinkChannel, from addresses: [Multiaddress]) throws(SwarmError) -> Multiaddress {
        guard let peer = channel.peer, let address = channel.address else {
            throw SwarmError(.unreachable, "the connection has no proven peer")
        }
        let now = clock.now()
        state.withLock { state in
            let others = addresses.filter { $0.nodeID == nil || $0.nodeID == peer }.map(\.address).filter {
                $0 != address
            }
            state.table.remember(peer, addresses: [address] + others, at: now)
            state.isArchiveDirty = true
            if state.table.session(with: peer) == nil { state.joined.append(channel) }
        }
        remember()
        wake.continuation.yield()
        return Multiaddress(address, nodeID: peer)
    }

    /// Calls the addresses, those of one node together.
    private func dial(_ addresses: [Multiaddress], credentials: CurrentCredentials) async throws(SwarmError)
        -> LinkChannel
    {
        var nodes: [(id: NodeID?, addresses: [LinkAddress])] = []
        for address in addresses where address.nodeID != me {
            if let index = nodes.firstIndex(where: { $0.id == address.nodeID }) {
                nodes[index].addresses.append(address.address)
            } else {
                nodes.append((address.nodeID, [address.address]))
            }
        }
        guard !nodes.isEmpty else {
            throw SwarmError(.ownCode, "the code leads to this node itself: use it on another one")
        }
        var failure: SwarmError?
        for node in nodes {
            do throws(LinkError) {
                let channel = try await LinkChannel.connect(
                    to: .node(node.id, addresses: node.addresses), credentials: credentials, limits: .betweenNodes,
                    timeout: Self.joinTimeout)
                if channel.peer == me {
                    failure = failure ?? SwarmError(.ownCode, "the address leads to this node itself")
                    continue
                }
                return channel
            } catch {
                let place = node.addresses.map(\.description).joined(separator: ", ")
                failure = failure ?? SwarmError(dialling: place, error)
            }
        }
        throw failure ?? SwarmError(.unreachable, "none of the code's addresses can be called")
    }
}

extension String {
    /// Without white space at both ends, as it comes from a terminal or a text field.
    fileprivate func trimming() -> String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
