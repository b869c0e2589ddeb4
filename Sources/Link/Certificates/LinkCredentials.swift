import Crypto

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// All that a process needs to speak to the swarm in a node's name, without the node's own key.
///
/// The daemon makes them afresh at each start and hands a copy, as JSON, to each of its engines on standard input.
package struct LinkCredentials: Sendable, Codable {
    /// The node that the certificate proves.
    package let nodeID: NodeID
    /// DER.
    package let certificate: Data
    /// The certificate's P-256 key, PEM (PKCS #8).
    package let privateKey: String
    private let swarmKeyBytes: Data

    private enum CodingKeys: String, CodingKey {
        case nodeID = "node_id"
        case certificate
        case privateKey = "private_key"
        case swarmKeyBytes = "swarm_key"
    }

    /// Makes a new TLS key and a certificate for it.
    package init(identity: NodeIdentity, swarm: SwarmKey, now: Date = Date()) throws(LinkError) {
        let key = P256.Signing.PrivateKey()
        let made = try NodeCertificate(identity: identity, swarm: swarm, key: key, now: now)
        self.init(nodeID: identity.id, certificate: made, privateKey: key.pemRepresentation, swarm: swarm)
    }

    init(nodeID: NodeID, certificate: NodeCertificate, privateKey: String, swarm: SwarmKey) {
        self.nodeID = nodeID
        self.certificate = Data(certificate.derBytes)
        self.privateKey = privateKey
        self.swarmKeyBytes = Data(swarm.bytes)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        nodeID = try container.decode(NodeID.self, forKey: .nodeID)
        certificate = try container.decode(Data.self, forKey: .certificate)
        privateKey = try container.decode(String.self, forKey: .privateKey)
        swarmKeyBytes = try container.decode(Data.self, forKey: .swarmKeyBytes)
        guard SwarmKey(bytes: swarmKeyBytes) != nil else {
            throw DecodingError.dataCorruptedError(
                forKey: .swarmKeyBytes, in: container, debugDescription: "a swarm key has \(SwarmKey.byteCount) bytes")
        }
    }

    /// The swarm whose members these credentials trust.
    package var swarm: SwarmKey {
        guard let key = SwarmKey(bytes: swarmKeyBytes) else { preconditionFailure("checked when it was set") }
        return key
    }

    package var verifier: PeerVerifier { PeerVerifier(swarm: swarm) }
}
