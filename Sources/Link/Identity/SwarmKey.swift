import Bytes
package import Crypto

/// The secret that makes nodes one swarm: 32 bytes. Whoever holds it is a member.
package struct SwarmKey: Sendable, Equatable {
    package static let byteCount = 32

    package let bytes: [UInt8]

    /// A new swarm.
    package init() {
        self.bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    }

    /// `nil` unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// The key in `path` (32 bytes, mode 0600); a new one, that is a new swarm, when the file does not exist.
    package static func loadOrCreate(path: String) throws(LinkError) -> SwarmKey {
        do {
            return SwarmKey(
                verified: try SecretFile(path: path, byteCount: byteCount).readOrCreate { SwarmKey().bytes })
        } catch {
            throw LinkError(error)
        }
    }

    /// The key in `path`, or `nil` when the file does not exist.
    package static func load(path: String) throws(LinkError) -> SwarmKey? {
        do {
            return try SecretFile(path: path, byteCount: byteCount).read().map(SwarmKey.init(verified:))
        } catch {
            throw LinkError(error)
        }
    }

    /// Writes the key to `path`, in place of one that may be there.
    package func save(path: String) throws(LinkError) {
        do {
            try SecretFile(path: path, byteCount: Self.byteCount).write(bytes)
        } catch {
            throw LinkError(error)
        }
    }

    /// A key for one purpose, so that what is learnt from one use says nothing about another (HKDF-SHA256, RFC 5869).
    package func derivedKey(for purpose: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: bytes), info: Array(purpose.utf8), outputByteCount: 32)
    }

    /// Says which swarm this is without giving the key away: 16 hexadecimal digits.
    package var fingerprint: String {
        derivedKey(for: "shoal swarm fingerprint v1").withUnsafeBytes { Array($0.prefix(8)) }.hexadecimal
    }

    /// Takes the same time wherever the keys differ.
    package static func == (left: SwarmKey, right: SwarmKey) -> Bool {
        zip(left.bytes, right.bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private init(verified bytes: [UInt8]) {
        self.bytes = bytes
    }
}
