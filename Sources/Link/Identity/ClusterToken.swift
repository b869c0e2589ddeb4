import Bytes
import Crypto
package import Identifiers

/// Which cluster token: the public half of its key, which is all that a master keeps of it.
package struct ClusterTokenKey: Hashable, Sendable {
    package static let byteCount = 32

    package let bytes: [UInt8]

    /// `nil` unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Whether `signature` over `message` was made with the token.
    func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

/// What lets a worker into a cluster: a secret key, and the master that knows its public half.
///
/// As text: base64url(Ed25519 seed, 32 bytes) + `.` + the master's node id, 64 hexadecimal digits. Whoever has the text can work in the cluster; the
/// master cannot, because it keeps the public half alone.
package struct ClusterToken: Sendable {
    private static let seedCharacters = 43

    /// The node that the token was made by, and the only one it is ever shown to.
    package let master: NodeID
    package let key: ClusterTokenKey
    private let seed: [UInt8]

    /// A new token.
    package init(master: NodeID) {
        self.init(seed: Curve25519.Signing.PrivateKey(), master: master)
    }

    /// Reads a token; `nil` for text that is none.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == Self.seedCharacters, let seed = Base64URL.decode(parts[0]),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed), let master = NodeID(hex: parts[1])
        else { return nil }
        self.init(seed: key, master: master)
    }

    private init(seed key: Curve25519.Signing.PrivateKey, master: NodeID) {
        guard let publicKey = ClusterTokenKey(bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")
        }
        self.master = master
        self.key = publicKey
        seed = Array(key.rawRepresentation)
    }

    /// The whole secret.
    package var text: String { "\(Base64URL.encode(seed)).\(master.hex)" }

    /// What lists show: too little to guess the rest by.
    package var shown: String { "\(text.prefix(6))..." }

    func sign(_ message: [UInt8]) throws -> [UInt8] {
        Array(try Curve25519.Signing.PrivateKey(rawRepresentation: seed).signature(for: message))
    }
}
