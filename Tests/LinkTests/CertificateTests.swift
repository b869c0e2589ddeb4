import Crypto
import Foundation
import Identifiers
import SwiftASN1
import Testing
import X509

@testable import Link

@Suite("Node certificates")
struct CertificateTests {
    let swarm = SwarmKey()
    let identity = NodeIdentity()

    @Test("A member's certificate proves its node id")
    func provesNode() throws {
        let made = try NodeCertificate(identity: identity, swarm: swarm, key: P256.Signing.PrivateKey())
        #expect(try PeerVerifier(swarm: swarm).verify(derBytes: made.derBytes) == identity.id)
    }

    @Test("Another swarm's certificate is not a member's")
    func otherSwarm() throws {
        let made = try NodeCertificate(identity: identity, swarm: SwarmKey(), key: P256.Signing.PrivateKey())
        let error = #expect(throws: LinkError.self) { try PeerVerifier(swarm: swarm).verify(derBytes: made.derBytes) }
        #expect(error?.code == .notAMember)
    }

    @Test(
        "A certificate counts only in its time",
        arguments: [(-8.0, false), (-6.0, true), (0.0, true), (365.0, true), (367.0, false)])
    func expiry(days: Double, isValid: Bool) throws {
        let made = try NodeCertificate(identity: identity, swarm: swarm, key: P256.Signing.PrivateKey())
        let verifier = PeerVerifier(swarm: swarm) { Date().addingTimeInterval(days * 86_400) }
        if isValid {
            #expect(try verifier.verify(derBytes: made.derBytes) == identity.id)
        } else {
            let error = #expect(throws: LinkError.self) { try verifier.verify(derBytes: made.derBytes) }
            #expect(error?.code == .badCertificate)
        }
    }

    @Test("A certificate that claims another node's id is forged")
    func forgedNode() throws {
        let key = P256.Signing.PrivateKey()
        let forged = try ForgedCertificate.claiming(NodeIdentity().id, signedBy: identity, swarm: swarm, key: key)
        let error = #expect(throws: LinkError.self) { try PeerVerifier(swarm: swarm).verify(derBytes: forged) }
        #expect(error?.code == .badCertificate)
    }

    @Test("A proof moved to another TLS key is worth nothing")
    func movedProof() throws {
        let made = try NodeCertificate(identity: identity, swarm: swarm, key: P256.Signing.PrivateKey())
        let moved = try ForgedCertificate.carrying(made.proof.bytes, key: P256.Signing.PrivateKey())
        #expect(throws: LinkError.self) { try PeerVerifier(swarm: swarm).verify(derBytes: moved) }
    }

    @Test("A proof with any byte changed is worth nothing", arguments: [0, 1, 32, 40, 48, 49, 112, 113, 144])
    func changedProof(index: Int) throws {
        let key = P256.Signing.PrivateKey()
        var proof = try NodeCertificate(identity: identity, swarm: swarm, key: key).proof.bytes
        proof[index] ^= 1
        let changed = try ForgedCertificate.carrying(proof, key: key)
        #expect(throws: LinkError.self) { try PeerVerifier(swarm: swarm).verify(derBytes: changed) }
    }

    @Test("Proofs of the wrong length are refused", arguments: [0, 1, 144, 146, 1000])
    func wrongLength(count: Int) throws {
        let changed = try ForgedCertificate.carrying(
            [UInt8](repeating: 1, count: count), key: P256.Signing.PrivateKey())
        #expect(throws: LinkError.self) { try PeerVerifier(swarm: swarm).verify(derBytes: changed) }
    }

    @Test("Random bytes are no certificate")
    func randomBytes() throws {
        var random = SystemRandomNumberGenerator()
        for count in [0, 1, 10, 500, 20_000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            #expect(throws: LinkError.self) { try PeerVerifier(swarm: swarm).verify(derBytes: bytes) }
        }
    }

    @Test("A truncated certificate is refused at every length")
    func truncated() throws {
        let made = try NodeCertificate(identity: identity, swarm: swarm, key: P256.Signing.PrivateKey())
        for count in stride(from: 0, to: made.derBytes.count, by: 7) {
            #expect(throws: LinkError.self) {
                try PeerVerifier(swarm: swarm).verify(derBytes: Array(made.derBytes.prefix(count)))
            }
        }
    }

    @Test("Credentials survive their JSON form")
    func credentialsAsJSON() throws {
        let credentials = try LinkCredentials(identity: identity, swarm: swarm)
        let copy = try JSONDecoder().decode(LinkCredentials.self, from: JSONEncoder().encode(credentials))
        #expect(copy.nodeID == identity.id)
        #expect(copy.swarm == swarm)
        #expect(copy.certificate == credentials.certificate)
        _ = try CurrentCredentials(copy)
    }

    @Test("Credentials with a broken key are a typed error")
    func brokenCredentials() throws {
        let certificate = try NodeCertificate(identity: identity, swarm: swarm, key: P256.Signing.PrivateKey())
        let broken = LinkCredentials(
            nodeID: identity.id, certificate: certificate, privateKey: "nonsense", swarm: swarm)
        #expect(throws: LinkError.self) { try CurrentCredentials(broken) }
    }
}

/// Certificates that nobody honest makes.
enum ForgedCertificate {
    /// A well-formed certificate whose proof is `proof`.
    static func carrying(_ proof: [UInt8], key: P256.Signing.PrivateKey) throws -> [UInt8] {
        let name = try DistinguishedName { CommonName("forged") }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -3600), notValidAfter: Date(timeIntervalSinceNow: 3600),
            issuer: name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions([
                Certificate.Extension(oid: NodeProof.objectIdentifier, critical: false, value: proof[...])
            ]), issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    /// Claims `victim`'s id, with a membership code that is right, signed by another member.
    static func claiming(_ victim: NodeID, signedBy thief: NodeIdentity, swarm: SwarmKey, key: P256.Signing.PrivateKey)
        throws -> [UInt8]
    {
        var head: [UInt8] = [1]
        head += victim.bytes
        withUnsafeBytes(of: UInt64(0)) { head += $0 }
        withUnsafeBytes(of: UInt64.max) { head += $0 }
        let message = Array("shoal-node-certificate-v1".utf8) + head + Array(key.publicKey.x963Representation)
        let code = HMAC<SHA256>.authenticationCode(for: message, using: swarm.derivedKey(for: "shoal membership v1"))
        return try carrying(head + thief.sign(message) + Array(code), key: key)
    }

    /// Credentials that present `certificate` with `key`.
    static func credentials(_ certificate: [UInt8], key: P256.Signing.PrivateKey, id: NodeID, swarm: SwarmKey) throws
        -> CurrentCredentials
    {
        try CurrentCredentials(
            LinkCredentials(
                nodeID: id, certificate: NodeCertificate(derBytes: certificate), privateKey: key.pemRepresentation,
                swarm: swarm))
    }
}
