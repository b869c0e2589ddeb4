import Crypto
import SwiftASN1
package import X509

/// The private extension of a node's certificate: see `NodeCertificate` for its layout.
package struct NodeProof: Sendable {
    /// Seconds of Unix time.
    package struct Validity: Sendable {
        var first: UInt64
        var last: UInt64
    }

    /// Below `2.999`, the arc that ITU-T X.660 keeps free for whoever needs a number that is nobody else's.
    static let objectIdentifier: ASN1ObjectIdentifier = [2, 999, 8801, 1]
    static let byteCount = 145
    private static let signatureContext = Array("shoal-node-certificate-v1".utf8)
    private static let membershipPurpose = "shoal membership v1"

    /// The node that the certificate claims to act for.
    package let nodeID: NodeID
    package let validity: Validity
    let bytes: [UInt8]
    /// What is signed and authenticated.
    private let message: [UInt8]

    init(identity: NodeIdentity, swarm: SwarmKey, validity: Validity, publicKey: [UInt8]) throws {
        var head: [UInt8] = [1]
        head += identity.id.bytes
        withUnsafeBytes(of: validity.first.bigEndian) { head += $0 }
        withUnsafeBytes(of: validity.last.bigEndian) { head += $0 }
        let message = Self.signatureContext + head + publicKey
        let membership = HMAC<SHA256>.authenticationCode(
            for: message, using: swarm.derivedKey(for: Self.membershipPurpose))
        self.bytes = head + (try identity.sign(message)) + Array(membership)
        self.nodeID = identity.id
        self.validity = validity
        self.message = message
    }

    /// Finds the proof in a certificate and reads it; checks nothing but its form.
    package init(certificate: Certificate) throws(LinkError) {
        guard let value = certificate.extensions[oid: Self.objectIdentifier]?.value else {
            throw LinkError(.notAMember, "the certificate is not one of a node")
        }
        let bytes = Array(value)
        guard bytes.count == Self.byteCount, bytes[0] == 1, let id = NodeID(bytes: bytes[1..<33]),
            let key = P256.Signing.PublicKey(certificate.publicKey)
        else {
            throw LinkError(
                .badCertificate,
                "the certificate's node proof has an unknown form: the other node may be of another version")
        }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        self.bytes = bytes
        self.nodeID = id
        self.validity = Validity(first: number(33..<41), last: number(41..<49))
        self.message = Self.signatureContext + bytes[0..<49] + Array(key.x963Representation)
    }

    /// - Parameter now: seconds of Unix time.
    func verify(swarm: SwarmKey, now: UInt64) throws(LinkError) {
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                Array(bytes[113..<145]), authenticating: message, using: swarm.derivedKey(for: Self.membershipPurpose))
        else {
            throw LinkError(
                .notAMember, "node \(nodeID.short) does not hold this swarm's key: it belongs to another swarm")
        }
        guard NodeIdentity.verify(Array(bytes[49..<113]), of: message, by: nodeID) else {
            throw LinkError(
                .badCertificate, "the certificate claims to be of node \(nodeID.short), which has not signed it")
        }
        guard validity.first <= now, now <= validity.last else {
            throw LinkError(
                .badCertificate,
                "the certificate of node \(nodeID.short) is not valid now: compare the clocks of both machines")
        }
    }
}
