#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a client is, as far as throttling goes: an IPv4 address, or the first 64 bits of an IPv6 address, all of which one client
/// usually has to itself (RFC 6177). An IPv4 address inside an IPv6 one counts as the former.
package struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address itself, as it was given: what the audit log says.
    package let description: String
    /// What clients are told apart by.
    let network: [UInt8]

    /// Reads a numeric address, with or without `%zone`; anything else is one place of its own.
    package init(_ text: String) {
        description = text
        let address = text.prefix { $0 != "%" }
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, String(address), &four) == 1 {
            network = withUnsafeBytes(of: &four) { Array($0) }
        } else if inet_pton(AF_INET6, String(address), &six) == 1 {
            let bytes = withUnsafeBytes(of: &six) { Array($0) }
            let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            network = isMapped ? Array(bytes[12...]) : Array(bytes[..<8])
        } else {
            network = Array("?\(text.utf8.count > 64 ? "" : text)".utf8)
        }
    }

    /// The clients of a network that was known before.
    init(network: [UInt8]) {
        description = "network of \(network.count) bytes"
        self.network = network
    }

    package static func == (one: ClientAddress, other: ClientAddress) -> Bool { one.network == other.network }
    package func hash(into hasher: inout Hasher) { hasher.combine(network) }
}
