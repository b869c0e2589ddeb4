internal import Bytes
internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A JWT (RFC 7519) as this node signs it: EdDSA over Ed25519 (RFC 8037), one fixed header, claims in one canonical spelling.
///
/// Nobody else's tokens are ever accepted, so there is nothing to be liberal about: a header that is not byte for byte the node's
/// own (`none`, `HS256`, another key) and claims that are not byte for byte what the node would write (duplicate keys, unknown
/// claims, other number forms) are refused.
struct JSONWebToken: Sendable {
    /// What the token says.
    struct Claims: Codable, Sendable, Hashable {
        static let issuer = "shoal"

        /// Seconds since 1970.
        var exp: Int64
        /// The user's generation.
        var gen: Int64
        var iat: Int64
        var iss = Claims.issuer
        /// The token's own id: 32 hexadecimal digits.
        var jti: String
        var role: String
        /// The user's id.
        var sub: String
    }

    /// Most characters of a token.
    static let maximumLength = 1024

    private let key: Curve25519.Signing.PrivateKey
    private let header: String

    /// - Parameter seed: the private key, 32 bytes.
    init(seed: [UInt8]) throws(AccountError) {
        do { key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed) } catch {
            throw AccountError(.unusableKey, "the key that signs JWTs has 32 bytes, not \(seed.count)", cause: error)
        }
        let keyID = Base64URL.encode(SHA256.hash(data: key.publicKey.rawRepresentation).prefix(12))
        header = Base64URL.encode(#"{"alg":"EdDSA","kid":"\#(keyID)","typ":"JWT"}"#.utf8)
    }

    func sign(_ claims: Claims) throws -> String {
        let signed = "\(header).\(Base64URL.encode(try Self.spell(claims)))"
        return "\(signed).\(Base64URL.encode(try key.signature(for: Data(signed.utf8))))"
    }

    /// What a token says, if this node signed it; nil for anything else. Whether it is still good is another question.
    func open(_ text: String) -> Claims? {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == header, let signature = Base64URL.decode(parts[2]), signature.count == 64,
            key.publicKey.isValidSignature(signature, for: Data("\(parts[0]).\(parts[1])".utf8)),
            let spelling = Base64URL.decode(parts[1]),
            let claims = try? JSONDecoder().decode(Claims.self, from: Data(spelling)),
            claims.iss == Claims.issuer, let canonical = try? Self.spell(claims), canonical == spelling
        else { return nil }
        return claims
    }

    private static func spell(_ claims: Claims) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(claims))
    }
}
