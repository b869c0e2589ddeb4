/// Where a listener is reached: a host name or IP address, and a TCP port.
package struct LinkAddress: Hashable, Sendable, CustomStringConvertible {
    /// What kind of host it is.
    package enum Family: Hashable, Sendable {
        case ipv4
        case ipv6
        case name
    }

    package let host: String
    package let port: Int

    /// `nil` when `host` is neither an IP address nor a host name (RFC 1123), or the port is not in 0...65535.
    package init?(host: String, port: Int) {
        guard (0...65_535).contains(port), Self.family(of: host) != nil else { return nil }
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, an IPv6 address in brackets: `[::1]:8801`.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 280, let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = Int(digits)
        else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard Self.family(of: String(host)) == .ipv6 else { return nil }
        } else if host.contains(":") {
            return nil
        }
        self.init(host: String(host), port: port)
    }

    package var family: Family { Self.family(of: host) ?? .name }

    package var description: String {
        family == .ipv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether only processes of the same machine reach it.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || (family == .ipv4 && host.hasPrefix("127."))
    }

    /// Whether it stands for every address of the machine, so that nobody can dial it.
    package var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    private static func family(of host: String) -> Family? {
        let bytes = Array(host.utf8)
        guard (1...253).contains(bytes.count) else { return nil }
        if bytes.contains(UInt8(ascii: ":")) {
            return isIPv6(host) ? .ipv6 : nil
        }
        if bytes.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") }) {
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            let isAddress = parts.count == 4 && parts.allSatisfy { $0.count <= 3 && UInt8($0) != nil }
            return isAddress ? .ipv4 : nil
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                        || byte == UInt8(ascii: "-")
                        || byte == UInt8(ascii: "_")
                }
        }
        return isName ? .name : nil
    }

    /// RFC 4291, section 2.2, with an optional zone (`%eth0`).
    private static func isIPv6(_ text: String) -> Bool {
        let zoned = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard zoned.count == 1 || (1...32).contains(zoned[1].utf8.count) else { return false }
        let halves = String(zoned[0]).components(separatedBy: "::")
        guard halves.count <= 2 else { return false }
        var count = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let groups = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, group) in groups.enumerated() {
                let isLast = index == halves.count - 1 && position == groups.count - 1
                if isLast, group.contains(".") {
                    guard family(of: String(group)) == .ipv4 else { return false }
                    count += 2
                } else {
                    guard (1...4).contains(group.utf8.count), UInt16(group, radix: 16) != nil, group.first != "+",
                        group.first != "-"
                    else {
                        return false
                    }
                    count += 1
                }
            }
        }
        return halves.count == 2 ? count <= 7 : count == 8
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}
