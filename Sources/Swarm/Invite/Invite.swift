import Bytes
import Crypto
package import Link

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What lets a node into a swarm: the swarm's key, and where a member is called.
///
/// As text: `swarm://` + base64url(key ‖ nonce ‖ sealed), with a key of 32 bytes, a nonce of 12, and the addresses sealed under
/// that key with ChaCha20-Poly1305 (RFC 8439), its tag of 16 bytes last. The addresses are multiaddresses, one a line. The
/// key travels inside: whoever sees a code can join.
package struct Invite: Sendable {
    package static let scheme = "swarm://"
    /// Characters of the longest code that is read.
    package static let maximumCharacters = 4096
    private static let nonceBytes = 12
    private static let tagBytes = 16
    private static let maximumAddresses = 16

    package let swarm: SwarmKey
    /// At least one; best first.
    package let addresses: [Multiaddress]

    /// - Parameter addresses: the first 16 are kept.
    package init(swarm: SwarmKey, addresses: [Multiaddress]) {
        self.swarm = swarm
        self.addresses = Array(addresses.prefix(Self.maximumAddresses))
    }

    /// Reads a code.
    ///
    /// - Throws: `SwarmError` with `codeTooLong`, `badCode` or `badAddress`.
    package init(code: String) throws(SwarmError) {
        guard code.utf8.count <= Self.maximumCharacters else {
            throw SwarmError(
                .codeTooLong,
                "the invite code has more than \(Self.maximumCharacters) characters: it is not one of ours")
        }
        guard code.hasPrefix(Self.scheme) else {
            throw SwarmError(.badCode, "an invite code starts with \(Self.scheme): copy it whole from “shoal invite”")
        }
        // Padding is accepted, and not written.
        var spelling = code.dropFirst(Self.scheme.count)
        while spelling.last == "=" { spelling.removeLast() }
        guard spelling.utf8.allSatisfy(Base64URL.isDigit) else {
            throw SwarmError(
                .badCode, "the invite code has characters that do not belong to it: copy it whole from “shoal invite”")
        }
        guard let bytes = Base64URL.decode(spelling),
            bytes.count > SwarmKey.byteCount + Self.nonceBytes + Self.tagBytes,
            let swarm = SwarmKey(bytes: bytes.prefix(SwarmKey.byteCount))
        else {
            throw SwarmError(.badCode, "the invite code is cut short: copy it whole from “shoal invite”")
        }
        guard
            let box = try? ChaChaPoly.SealedBox(combined: bytes.dropFirst(SwarmKey.byteCount)),
            let plain = try? ChaChaPoly.open(box, using: SymmetricKey(data: swarm.bytes)),
            let text = String(validating: plain, as: UTF8.self)
        else {
            throw SwarmError(.badCode, "the invite code is damaged: copy it whole from “shoal invite”")
        }
        var addresses: [Multiaddress] = []
        for line in text.split(separator: "\n").prefix(Self.maximumAddresses) {
            addresses.append(try Multiaddress(line))
        }
        guard !addresses.isEmpty else { throw SwarmError(.badCode, "the invite code holds no address") }
        self.swarm = swarm
        self.addresses = addresses
    }

    /// The invite as one line of text; a new nonce each time, so never the same twice.
    package var code: String {
        get throws(SwarmError) {
            let text = addresses.map(\.description).joined(separator: "\n")
            do {
                let box = try ChaChaPoly.seal(Array(text.utf8), using: SymmetricKey(data: swarm.bytes))
                return Self.scheme + Base64URL.encode(swarm.bytes + Array(box.combined))
            } catch {
                throw SwarmError(.badCode, "the invite code could not be made", cause: error)
            }
        }
    }
}
