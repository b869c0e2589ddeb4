package import Identifiers

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Who the other side of a connection has proven to be.
package enum ProvenPeer: Hashable, Sendable {
    /// A node of this swarm.
    case member(NodeID)
    /// A node that works for this one, and is no member of the swarm.
    case worker(NodeID, token: ClusterTokenKey)

    package var nodeID: NodeID {
        switch self {
        case .member(let id), .worker(let id, _): id
        }
    }
}

/// Decides who may be on the other side of a connection, and who that is.
///
/// That the holder of a certificate also has the private key is TLS's part: a certificate that was copied ends no handshake.
package struct PeerVerifier: Sendable {
    private enum Trust: Sendable {
        /// Whoever holds the swarm's key.
        case swarm(SwarmKey)
        /// One node and no other, whatever swarm it is in.
        case master(NodeID)
    }

    private let trust: Trust
    private let now: @Sendable () -> Date

    /// Trusts the members of a swarm.
    package init(swarm: SwarmKey, now: @escaping @Sendable () -> Date = { Date() }) {
        trust = .swarm(swarm)
        self.now = now
    }

    /// Trusts one node: the master of a cluster.
    package init(master: NodeID, now: @escaping @Sendable () -> Date = { Date() }) {
        trust = .master(master)
        self.now = now
    }

    /// - Returns: the node that the certificate proves.
    /// - Throws: `LinkError` with `notAMember`, `wrongNode` or `badCertificate`.
    package func verify(derBytes: [UInt8]) throws(LinkError) -> NodeID {
        try verify(Self.proof(derBytes))
    }

    /// The same for a listener that workers may call as well.
    ///
    /// - Parameter workers: knows which tokens are good.
    /// - Throws: also `unknownToken`.
    func verify(derBytes: [UInt8], workers: WorkerGate?) throws(LinkError) -> ProvenPeer {
        let proof = try Self.proof(derBytes)
        guard case .worker = proof.claim, let workers else { return .member(try verify(proof)) }
        let token = try proof.verifyToken(now: unixSeconds)
        guard workers.standing(token) != .unknown else {
            throw LinkError(.unknownToken, "node \(proof.nodeID.short) has a cluster token that is not known here")
        }
        return .worker(proof.nodeID, token: token)
    }

    private static func proof(_ derBytes: [UInt8]) throws(LinkError) -> NodeProof {
        guard derBytes.count <= 16_384 else { throw LinkError(.badCertificate, "the certificate is too large") }
        return try NodeCertificate(derBytes: derBytes).proof
    }

    private func verify(_ proof: NodeProof) throws(LinkError) -> NodeID {
        switch trust {
        case .swarm(let swarm):
            try proof.verify(swarm: swarm, now: unixSeconds)
        case .master(let master):
            guard case .member = proof.claim, proof.nodeID == master else {
                throw .wrongNode(expected: master, found: proof.nodeID)
            }
            try proof.verifyNode(now: unixSeconds)
        }
        return proof.nodeID
    }

    private var unixSeconds: UInt64 { UInt64(max(0, now().timeIntervalSince1970)) }
}
