#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Decides whether a certificate belongs to a member of the swarm, and to which.
///
/// That its holder also has the private key is TLS's part: a certificate that was copied ends no handshake.
package struct PeerVerifier: Sendable {
    private let swarm: SwarmKey
    private let now: @Sendable () -> Date

    package init(swarm: SwarmKey, now: @escaping @Sendable () -> Date = { Date() }) {
        self.swarm = swarm
        self.now = now
    }

    /// - Returns: the node that the certificate proves.
    /// - Throws: `LinkError` with `notAMember` or `badCertificate`.
    package func verify(derBytes: [UInt8]) throws(LinkError) -> NodeID {
        guard derBytes.count <= 16_384 else { throw LinkError(.badCertificate, "the certificate is too large") }
        let proof = try NodeCertificate(derBytes: derBytes).proof
        try proof.verify(swarm: swarm, now: UInt64(max(0, now().timeIntervalSince1970)))
        return proof.nodeID
    }
}
