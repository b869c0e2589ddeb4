package import Identifiers
package import Link
package import Store

/// Moving a node into the swarm that an invite leads to.
package enum SwarmAdoption {
    /// Does at start what `SwarmService.join` does at run time: makes the invite's key this node's, and remembers the inviter, so that
    /// it is called as soon as the node runs. A node that is in that swarm already stays as it is.
    ///
    /// - Parameter keyPath: the file of the swarm key.
    /// - Returns: the key that the node's credentials are to be made with.
    /// - Throws: `SwarmError` with `alreadyMember` when the node is in another swarm and knows peers there, or `storage`.
    package static func adopt(_ invite: Invite, keyPath: String, store: Store, me: NodeID) throws(SwarmError)
        -> SwarmKey
    {
        let archive = PeerArchive(store: store)
        do {
            let current = try SwarmKey.load(path: keyPath)
            if let current, current != invite.swarm {
                try check(knownPeers: try archive.load().count)
            }
            if current != invite.swarm { try invite.swarm.save(path: keyPath) }
            var known = Dictionary(uniqueKeysWithValues: try archive.load().map { ($0.id, $0) })
            for address in invite.addresses {
                guard let id = address.nodeID, id != me else { continue }
                var peer = known[id] ?? ArchivedPeer(id: id, addresses: [], lastSeen: nil)
                if !peer.addresses.contains(address.address) { peer.addresses.insert(address.address, at: 0) }
                known[id] = peer
            }
            try archive.save(Array(known.values))
            return invite.swarm
        } catch let error as SwarmError {
            throw error
        } catch {
            throw SwarmError(.storage, "the swarm's key or peers could not be kept: \(error)", cause: error)
        }
    }

    /// A node that is alone in its swarm gives it up without asking; others depend on one that is not.
    static func check(knownPeers: Int) throws(SwarmError) {
        guard knownPeers == 0 else {
            throw SwarmError(
                .alreadyMember,
                "this node is in another swarm, where it knows \(knownPeers) peer\(knownPeers == 1 ? "" : "s"): "
                    + "“shoal leave” takes it out; or start another one with a data directory of its own")
        }
    }
}
