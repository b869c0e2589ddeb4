import HTTPTypes
import NIOCore

/// Tells a program on this machine from a web page that a browser on this machine was tricked into showing.
///
/// A page on a foreign site can point its own name at 127.0.0.1 (DNS rebinding); the browser then sends the foreign name as
/// `Host`, or the page's site as `Origin`.
enum LoopbackOrigin {
    /// Whether `address` is 127.0.0.0/8, ::1, or the first written as the second (::ffff:127.0.0.0/104).
    static func isLoopback(_ address: SocketAddress?) -> Bool {
        switch address {
        case .v4, .v6:
            guard let text = address?.ipAddress else { return false }
            return isLoopbackAddress(text)
        case .unixDomainSocket: return true
        case nil: return false
        }
    }

    /// Whether a `Host` value, with or without port, names this machine.
    static func isLoopbackHost(_ authority: some StringProtocol) -> Bool {
        let name = hostName(of: authority).lowercased()
        return name == "localhost" || name.hasSuffix(".localhost") || isLoopbackAddress(name)
    }

    /// Whether an `Origin` is `http://` with a loopback name and the given port.
    static func isOwn(_ origin: String, port: Int?) -> Bool {
        guard let port, origin.hasPrefix("http://") else { return false }
        let authority = origin.dropFirst("http://".count)
        return ["localhost:\(port)", "127.0.0.1:\(port)", "[::1]:\(port)"].contains { $0 == authority.lowercased() }
    }

    private static func hostName(of authority: some StringProtocol) -> String {
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
        // More than one colon outside brackets is a bare IPv6 address.
        if authority.count(where: { $0 == ":" }) > 1 { return String(authority) }
        return String(authority.prefix { $0 != ":" })
    }

    private static func isLoopbackAddress(_ text: String) -> Bool {
        if text == "::1" { return true }
        let mapped = text.lowercased().hasPrefix("::ffff:") ? String(text.dropFirst("::ffff:".count)) : text
        let parts = mapped.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
