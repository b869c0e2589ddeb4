package import Crypto
import Identifiers
import SwiftASN1
package import X509

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A TLS certificate that by itself proves which node its holder acts for, and that this node is in the swarm or works for one
/// that is.
///
/// It is self-signed over a P-256 key made for it (TLS stacks refuse Ed25519 ones) and carries one private extension, the
/// *node proof*:
///
///     byte 0        version: 1 of a member, 2 of a worker
///     1..<33        node id (Ed25519 public key)
///     33..<41       first second of validity, Unix time, big-endian
///     41..<49       last second of validity
///     49..<113      Ed25519 signature by the node over "shoal-node-certificate-v1" ‖ bytes 0..<49 ‖ the P-256 public key (X9.63)
///
/// then, of a member
///
///     113..<145     HMAC-SHA256 over the same, under a key derived from the swarm key
///
/// and of a worker, which has no swarm key,
///
///     113..<145     its cluster token's public key (Ed25519)
///     145..<209     the token's signature over "shoal-cluster-token-v1" ‖ bytes 0..<49 ‖ the P-256 public key (X9.63)
///
/// The names and dates of the X.509 part say nothing: only the proof counts.
package struct NodeCertificate: Sendable {
    package let certificate: Certificate
    package let derBytes: [UInt8]

    /// How long before its making a certificate is good: clocks at home are often wrong.
    static let clockTolerance: TimeInterval = 7 * 86_400
    static let lifetime: TimeInterval = 366 * 86_400

    /// Makes a certificate for `key` that proves `identity` and membership of `swarm`.
    package init(identity: NodeIdentity, swarm: SwarmKey, key: P256.Signing.PrivateKey, now: Date = Date())
        throws(LinkError)
    {
        try self.init(identity: identity, key: key, now: now) { validity, publicKey in
            try NodeProof(identity: identity, swarm: swarm, validity: validity, publicKey: publicKey)
        }
    }

    /// Makes a certificate for `key` that proves `identity` and possession of a cluster token.
    package init(identity: NodeIdentity, token: ClusterToken, key: P256.Signing.PrivateKey, now: Date = Date())
        throws(LinkError)
    {
        try self.init(identity: identity, key: key, now: now) { validity, publicKey in
            try NodeProof(identity: identity, token: token, validity: validity, publicKey: publicKey)
        }
    }

    private init(
        identity: NodeIdentity, key: P256.Signing.PrivateKey, now: Date,
        proof: (_ validity: NodeProof.Validity, _ publicKey: [UInt8]) throws -> NodeProof
    ) throws(LinkError) {
        do {
            let validity = NodeProof.Validity(
                first: UInt64(max(0, now.timeIntervalSince1970 - Self.clockTolerance)),
                last: UInt64(max(0, now.timeIntervalSince1970 + Self.lifetime)))
            let proof = try proof(validity, Array(key.publicKey.x963Representation))
            let name = try DistinguishedName { CommonName("shoal node \(identity.id.short)") }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
                notValidBefore: now.addingTimeInterval(-Self.clockTolerance),
                notValidAfter: now.addingTimeInterval(Self.lifetime),
                issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions([
                    Certificate.Extension(oid: NodeProof.objectIdentifier, critical: false, value: proof.bytes[...])
                ]),
                issuerPrivateKey: Certificate.PrivateKey(key))
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            self.certificate = certificate
            self.derBytes = serializer.serializedBytes
        } catch let error as LinkError {
            throw error
        } catch {
            throw LinkError(.badCertificate, "this node's certificate could not be made", cause: error)
        }
    }

    /// Reads a certificate; proves nothing.
    package init(derBytes: [UInt8]) throws(LinkError) {
        do {
            self.certificate = try Certificate(derEncoded: derBytes)
            self.derBytes = derBytes
        } catch {
            throw LinkError(.badCertificate, "the certificate cannot be read", cause: error)
        }
    }

    /// The proof inside, not yet checked.
    package var proof: NodeProof {
        get throws(LinkError) { try NodeProof(certificate: certificate) }
    }
}
