package import Link
import NIOCore

/// At which addresses a node that listens on a host and port can be called, best first.
package enum AdvertisedAddresses {
    /// - Parameters:
    ///   - host: what the listener was told to listen on; a wildcard stands for every interface.
    ///   - port: the port it got.
    ///   - interfaces: the machine's IP addresses.
    ///   - given: addresses that the operator wants told, which come first.
    package static func list(
        host: String, port: Int, interfaces: [String] = interfaceAddresses(), given: [LinkAddress] = []
    ) -> [LinkAddress] {
        var hosts: [String] = []
        switch host {
        case "0.0.0.0", "::":
            let usable = interfaces.filter { host == "::" || !$0.contains(":") }
            // Others reach the machine at its own addresses; loopback serves nodes beside this one.
            hosts = usable.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(
                \.element)
            hosts.append("127.0.0.1")
        case "localhost":
            hosts = ["127.0.0.1"]
        default:
            hosts = [host]
        }
        var seen: Set<LinkAddress> = []
        let all = given + hosts.compactMap { LinkAddress(host: $0, port: port) }
        return all.filter { !$0.isWildcard && seen.insert($0).inserted }.prefix(RecordRules.maximumAddresses).map { $0 }
    }

    /// The IP addresses of this machine's interfaces, without loopback and link-local ones.
    package static func interfaceAddresses() -> [String] {
        guard let devices = try? System.enumerateDevices() else { return [] }
        return devices.compactMap(\.address?.ipAddress).filter { address in
            !address.hasPrefix("127.") && address != "::1" && !address.hasPrefix("169.254.")
                && !address.hasPrefix("fe80:")
        }
    }

    /// Whether a host is one of a local network (RFC 1918, RFC 4193, link-local, loopback).
    package static func isLocal(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        if host.contains(":") {
            let lower = host.lowercased()
            return lower.hasPrefix("fc") || lower.hasPrefix("fd") || lower.hasPrefix("fe80:")
        }
        let parts = host.split(separator: ".").compactMap { UInt8($0) }
        guard parts.count == 4 else { return host.hasSuffix(".local") }
        switch (parts[0], parts[1]) {
        case (10, _), (127, _), (192, 168), (169, 254), (172, 16...31): return true
        default: return false
        }
    }

    private static func rank(_ host: String) -> Int {
        // 172.17.0.1 is every container host's own bridge: it leads back to whoever calls it.
        if host.hasPrefix("172.17.") { return 3 }
        if host.contains(":") { return 2 }
        return isLocal(host) ? 0 : 1
    }
}
