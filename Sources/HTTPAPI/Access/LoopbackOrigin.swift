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

    /// Whether a `Host` value, with or without port, names this machine. What is no host by RFC 3986 section 3.2 names nobody.
    static func isLoopbackHost(_ authority: some StringProtocol) -> Bool {
        guard let (name, isBracketed) = host(of: Substring(authority)) else { return false }
        if isBracketed { return name.contains(":") && isLoopbackAddress(name) }
        return name == "localhost" || name.hasSuffix(".localhost") || !name.contains(":") && isLoopbackAddress(name)
    }

    /// Whether an `Origin` is `http://` with a loopback name and the given port.
    static func isOwn(_ origin: String, port: Int?) -> Bool {
        guard let port, origin.hasPrefix("http://") else { return false }
        let authority = origin.dropFirst("http://".count)
        return ["localhost:\(port)", "127.0.0.1:\(port)", "[::1]:\(port)"].contains { $0 == authority.lowercased() }
    }

    /// The host of `host`, `host:port`, `[address]` or `[address]:port`, in small letters. An IPv6 address by itself is taken too.
    private static func host(of authority: Substring) -> (name: String, isBracketed: Bool)? {
        var name: Substring
        var rest: Substring
        let isBracketed = authority.hasPrefix("[")
        if isBracketed {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            name = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
        } else if authority.count(where: { $0 == ":" }) > 1 {
            return (authority.lowercased(), true)
        } else {
            name = authority.prefix { $0 != ":" }
            rest = authority[name.endIndex...]
        }
        if rest.hasPrefix(":") {
            rest = rest.dropFirst()
            guard isNumber(rest, upTo: 65_535) else { return nil }
        } else if !rest.isEmpty {
            return nil
        }
        return (name.lowercased(), isBracketed)
    }

    /// Whether a text is digits alone, of a number that is not too large.
    private static func isNumber(_ text: Substring, upTo limit: Int) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } && Int(text).map { $0 <= limit } ?? false
    }

    private static func isLoopbackAddress(_ text: String) -> Bool {
        if text == "::1" { return true }
        let mapped = text.lowercased().hasPrefix("::ffff:") ? String(text.dropFirst("::ffff:".count)) : text
        let parts = mapped.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { isNumber($0, upTo: 255) }
    }
}
