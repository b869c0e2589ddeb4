import Crypto
package import Identifiers
import SwiftASN1
package import X509

/// The private extension of a node's certificate: see `NodeCertificate` for its layout.
package struct NodeProof: Sendable {
    /// Seconds of Unix time.
    package struct Validity: Sendable {
        var first: UInt64
        var last: UInt64
    }

    /// Why the node should be let in.
    enum Claim: Sendable {
        /// It holds the swarm's key.
        case member(code: [UInt8])
        /// It holds a cluster token.
        case worker(token: ClusterTokenKey, signature: [UInt8])

        var version: UInt8 {
            switch self {
            case .member: 1
            case .worker: 2
            }
        }

        fileprivate var bytes: [UInt8] {
            switch self {
            case .member(let code): code
            case .worker(let token, let signature): token.bytes + signature
            }
        }
    }

    /// Below `2.999`, the arc that ITU-T X.660 keeps free for whoever needs a number that is nobody else's.
    static let objectIdentifier: ASN1ObjectIdentifier = [2, 999, 8801, 1]
    private static let signatureContext = Array("shoal-node-certificate-v1".utf8)
    private static let tokenContext = Array("shoal-cluster-token-v1".utf8)
    private static let membershipPurpose = "shoal membership v1"

    /// The node that the certificate claims to act for.
    package let nodeID: NodeID
    package let validity: Validity
    let claim: Claim
    let bytes: [UInt8]
    /// What is signed and authenticated, after a context that says what for.
    private let message: [UInt8]

    /// The proof of a member.
    init(identity: NodeIdentity, swarm: SwarmKey, validity: Validity, publicKey: [UInt8]) throws {
        try self.init(identity: identity, version: 1, validity: validity, publicKey: publicKey) { message in
            .member(
                code: Array(
                    HMAC<SHA256>.authenticationCode(
                        for: Self.signatureContext + message, using: swarm.derivedKey(for: Self.membershipPurpose))))
        }
    }

    /// The proof of a worker.
    init(identity: NodeIdentity, token: ClusterToken, validity: Validity, publicKey: [UInt8]) throws {
        try self.init(identity: identity, version: 2, validity: validity, publicKey: publicKey) { message in
            .worker(token: token.key, signature: try token.sign(Self.tokenContext + message))
        }
    }

    private init(
        identity: NodeIdentity, version: UInt8, validity: Validity, publicKey: [UInt8],
        claim: (_ message: [UInt8]) throws -> Claim
    ) throws {
        var head = [version]
        head += identity.id.bytes
        withUnsafeBytes(of: validity.first.bigEndian) { head += $0 }
        withUnsafeBytes(of: validity.last.bigEndian) { head += $0 }
        message = head + publicKey
        self.claim = try claim(message)
        bytes = head + (try identity.sign(Self.signatureContext + message)) + self.claim.bytes
        nodeID = identity.id
        self.validity = validity
    }

    /// Finds the proof in a certificate and reads it; checks nothing but its form.
    package init(certificate: Certificate) throws(LinkError) {
        guard let value = certificate.extensions[oid: Self.objectIdentifier]?.value else {
            throw LinkError(.notAMember, "the certificate is not one of a node")
        }
        let bytes = Array(value)
        guard bytes.count > 113, let claim = Self.claim(bytes[0], Array(bytes[113...])),
            let id = NodeID(bytes: bytes[1..<33]), let key = P256.Signing.PublicKey(certificate.publicKey)
        else {
            throw LinkError(
                .badCertificate,
                "the certificate's node proof has an unknown form: the other node may be of another version")
        }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        self.bytes = bytes
        self.claim = claim
        nodeID = id
        validity = Validity(first: number(33..<41), last: number(41..<49))
        message = bytes[0..<49] + Array(key.x963Representation)
    }

    private static func claim(_ version: UInt8, _ bytes: [UInt8]) -> Claim? {
        switch (version, bytes.count) {
        case (1, 32): .member(code: bytes)
        case (2, 96):
            ClusterTokenKey(bytes: bytes[..<32]).map { .worker(token: $0, signature: Array(bytes[32...])) }
        default: nil
        }
    }

    /// Whom the proof claims to be of; only what came through a handshake is that.
    var claimed: ProvenPeer {
        switch claim {
        case .member: .member(nodeID)
        case .worker(let token, _): .worker(nodeID, token: token)
        }
    }

    // MARK: - Checking

    /// Checks that a member of the swarm made the proof.
    ///
    /// - Parameter now: seconds of Unix time.
    func verify(swarm: SwarmKey, now: UInt64) throws(LinkError) {
        guard case .member(let code) = claim else {
            throw LinkError(
                .notAMember, "node \(nodeID.short) does not hold this swarm's key: it is a worker of some cluster")
        }
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                code, authenticating: Self.signatureContext + message,
                using: swarm.derivedKey(for: Self.membershipPurpose))
        else {
            throw LinkError(
                .notAMember, "node \(nodeID.short) does not hold this swarm's key: it belongs to another swarm")
        }
        try verifyNode(now: now)
    }

    /// Checks that who made the proof has the token that it names. Whether that token is good is another matter.
    func verifyToken(now: UInt64) throws(LinkError) -> ClusterTokenKey {
        guard case .worker(let token, let signature) = claim,
            token.verify(signature, of: Self.tokenContext + message)
        else {
            throw LinkError(.badCertificate, "node \(nodeID.short) does not have the cluster token that it names")
        }
        try verifyNode(now: now)
        return token
    }

    /// Checks that the node itself made the proof, for this time, whatever else it claims.
    func verifyNode(now: UInt64) throws(LinkError) {
        guard NodeIdentity.verify(Array(bytes[49..<113]), of: Self.signatureContext + message, by: nodeID) else {
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
