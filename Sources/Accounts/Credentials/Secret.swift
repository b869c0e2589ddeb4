internal import Bytes
internal import Crypto

/// Random text that proves something: 256 bits as 43 characters of base64url, after a prefix. Only its SHA-256 is kept, which is
/// enough for text that nobody can guess.
struct Secret: Sendable {
    static let byteCount = 32
    static let characters = 43

    let bytes: [UInt8]

    init() {
        bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    }

    /// Nil for what is none.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count == Self.characters, let bytes = Base64URL.decode(text) else { return nil }
        self.bytes = bytes
    }

    var text: String { Base64URL.encode(bytes) }

    /// What is kept. Look-ups by it say nothing about the secret, however long they take.
    var hash: [UInt8] { Array(SHA256.hash(data: bytes)) }

    /// Something else that only who has the secret can know.
    func derived(for purpose: StaticString) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("\(purpose)".utf8), using: SymmetricKey(data: bytes)))
    }

    /// Whether `text` is `derived(for:)` in base64url; takes the same time for every guess of that length.
    func matches(_ text: String, for purpose: StaticString) -> Bool {
        guard text.utf8.count == Self.characters, let bytes = Base64URL.decode(text) else { return false }
        return SymmetricKey(data: bytes) == SymmetricKey(data: derived(for: purpose))
    }
}
