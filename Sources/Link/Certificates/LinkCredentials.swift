import Crypto
package import Identifiers

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// All that a process needs to speak to other nodes in a node's name, without the node's own key.
///
/// The daemon makes them afresh at each start and hands a copy, as JSON, to each of its engines on standard input.
package struct LinkCredentials: Sendable, Codable {
    /// Whom these credentials trust.
    private enum Trust: Sendable {
        case swarm(SwarmKey)
        case master(NodeID)
    }

    /// The node that the certificate proves.
    package let nodeID: NodeID
    /// DER.
    package let certificate: Data
    /// The certificate's P-256 key, PEM (PKCS #8).
    package let privateKey: String
    private let trust: Trust

    private enum CodingKeys: String, CodingKey {
        case nodeID = "node_id"
        case certificate
        case privateKey = "private_key"
        case swarmKey = "swarm_key"
        case master
    }

    /// Makes a new TLS key and a certificate for it: those of a member of a swarm.
    package init(identity: NodeIdentity, swarm: SwarmKey, now: Date = Date()) throws(LinkError) {
        let key = P256.Signing.PrivateKey()
        let made = try NodeCertificate(identity: identity, swarm: swarm, key: key, now: now)
        self.init(nodeID: identity.id, certificate: made, privateKey: key.pemRepresentation, swarm: swarm)
    }

    /// Makes a new TLS key and a certificate for it: those of a worker, which trusts its master alone.
    package init(identity: NodeIdentity, token: ClusterToken, now: Date = Date()) throws(LinkError) {
        let key = P256.Signing.PrivateKey()
        certificate = Data(try NodeCertificate(identity: identity, token: token, key: key, now: now).derBytes)
        nodeID = identity.id
        privateKey = key.pemRepresentation
        trust = .master(token.master)
    }

    init(nodeID: NodeID, certificate: NodeCertificate, privateKey: String, swarm: SwarmKey) {
        self.nodeID = nodeID
        self.certificate = Data(certificate.derBytes)
        self.privateKey = privateKey
        trust = .swarm(swarm)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        nodeID = try container.decode(NodeID.self, forKey: .nodeID)
        certificate = try container.decode(Data.self, forKey: .certificate)
        privateKey = try container.decode(String.self, forKey: .privateKey)
        if let master = try container.decodeIfPresent(NodeID.self, forKey: .master) {
            trust = .master(master)
            return
        }
        guard let swarm = SwarmKey(bytes: try container.decode(Data.self, forKey: .swarmKey)) else {
            throw DecodingError.dataCorruptedError(
                forKey: .swarmKey, in: container, debugDescription: "a swarm key has \(SwarmKey.byteCount) bytes")
        }
        trust = .swarm(swarm)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(nodeID, forKey: .nodeID)
        try container.encode(certificate, forKey: .certificate)
        try container.encode(privateKey, forKey: .privateKey)
        switch trust {
        case .swarm(let swarm): try container.encode(Data(swarm.bytes), forKey: .swarmKey)
        case .master(let master): try container.encode(master, forKey: .master)
        }
    }

    /// The swarm whose members these credentials trust; nil for those of a worker.
    package var swarm: SwarmKey? {
        if case .swarm(let key) = trust { key } else { nil }
    }

    package var verifier: PeerVerifier {
        switch trust {
        case .swarm(let swarm): PeerVerifier(swarm: swarm)
        case .master(let master): PeerVerifier(master: master)
        }
    }
}
