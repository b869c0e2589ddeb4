#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the hub is: `https://huggingface.co`, a mirror of it, or a stand-in.
package struct HubEndpoint: Hashable, Sendable, CustomStringConvertible {
    package static let huggingFace = HubEndpoint(unchecked: "https://huggingface.co")

    /// The address without a `/` at its end.
    package let text: String
    package var description: String { text }

    /// - Throws: `HubError` of code `badConfiguration` for what is no http or https address, or has a user, query or fragment.
    package init(_ text: String) throws {
        var trimmed = Substring(text)
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let url = URL(string: String(trimmed)), let origin = Origin(url), !origin.host.isEmpty, url.user == nil,
            url.query == nil, url.fragment == nil, trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw HubError(
                .badConfiguration,
                "\(NameRules.quoted(text)) is no address of a hub; set HF_ENDPOINT to one such as https://huggingface.co"
            )
        }
        self.text = String(trimmed)
    }

    private init(unchecked text: String) { self.text = text }

    /// Scheme, host and port, by which it is decided who gets the token.
    var origin: Origin? { URL(string: text).flatMap(Origin.init) }

    /// The address of `path`, whose parts are encoded already.
    func url(_ path: String, query: [(String, String)] = []) -> String {
        guard !query.isEmpty else { return text + path }
        return text + path + "?" + query.map { "\($0)=\(Self.encoded($1))" }.joined(separator: "&")
    }

    /// `text` with everything percent-encoded but RFC 3986's unreserved characters, and what `keeping` has.
    static func encoded(_ text: String, keeping kept: String = "") -> String {
        let digits = Array("0123456789ABCDEF")
        var encoded = ""
        for byte in text.utf8 {
            if NameRules.isAlphanumeric(byte) || "-._~".utf8.contains(byte) || kept.utf8.contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return encoded
    }
}

/// Scheme, host and port of an address.
struct Origin: Hashable, Sendable {
    let scheme: String
    let host: String
    let port: Int

    /// Nil for anything but http and https addresses with a host.
    init?(_ url: URL) {
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = url.host?.lowercased(), !host.isEmpty
        else { return nil }
        self.scheme = scheme
        self.host = host
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }
}
