/// `GET /api/admin/network-code`: an invitation into the node's swarm.
package struct NetworkCodeBody: Codable, Sendable, Hashable {
    /// `swarm://…`
    package var code: String
    package var nodeId: String
    /// The same with all its digits.
    package var peerId: String
    package var listenMultiaddrs: [String]
    package var phase: String
    package var peerCount: Int

    package init(
        code: String, nodeId: String, peerId: String, listenMultiaddrs: [String], phase: String, peerCount: Int
    ) {
        self.code = code
        self.nodeId = nodeId
        self.peerId = peerId
        self.listenMultiaddrs = listenMultiaddrs
        self.phase = phase
        self.peerCount = peerCount
    }
}

/// `POST /api/admin/join-network`.
package struct JoinedNetworkBody: Codable, Sendable, Hashable {
    package var status = "ok"
    /// What was dialled.
    package var address: String
    package var message: String

    package init(
        address: String, message: String
    ) {
        self.address = address
        self.message = message
    }
}

/// `POST /api/admin/leave-network`.
package struct LeftNetworkBody: Codable, Sendable, Hashable {
    package var status = "ok"
    package var forgottenPeers: Int

    package init(
        forgottenPeers: Int
    ) {
        self.forgottenPeers = forgottenPeers
    }
}
