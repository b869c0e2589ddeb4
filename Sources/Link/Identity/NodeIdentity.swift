import Bytes
import Crypto
package import Identifiers

/// The key pair that a node is. It never leaves the node: its engines get certificates made with it, not the key.
package struct NodeIdentity: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    /// The public half.
    package let id: NodeID

    /// A new identity, kept nowhere.
    package init() {
        self.init(key: Curve25519.Signing.PrivateKey())
    }

    /// The identity whose Ed25519 seed is `seed`: 32 bytes.
    package init(seed: [UInt8]) throws(LinkError) {
        do {
            self.init(key: try Curve25519.Signing.PrivateKey(rawRepresentation: seed))
        } catch {
            throw LinkError(.unusableKeyFile, "an identity key has 32 bytes, not \(seed.count)", cause: error)
        }
    }

    private init(key: Curve25519.Signing.PrivateKey) {
        self.key = key
        guard let id = NodeID(bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")
        }
        self.id = id
    }

    /// The identity in `path` (32 bytes, mode 0600); a new one is made and written there when the file does not exist.
    ///
    /// - Throws: `LinkError` with `unusableKeyFile` when the file can be read by others, has another size, or cannot be read or written.
    package static func loadOrCreate(path: String) throws(LinkError) -> NodeIdentity {
        let seed: [UInt8]
        do {
            seed = try SecretFile(path: path, byteCount: 32).readOrCreate {
                Array(Curve25519.Signing.PrivateKey().rawRepresentation)
            }
        } catch {
            throw LinkError(error)
        }
        return try NodeIdentity(seed: seed)
    }

    /// An Ed25519 signature, 64 bytes.
    package func sign(_ message: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: message))
    }

    /// Whether `signature` over `message` was made by the node `id`.
    package static func verify(_ signature: [UInt8], of message: [UInt8], by id: NodeID) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: id.bytes) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}
