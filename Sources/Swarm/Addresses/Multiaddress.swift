package import Identifiers
package import Link

/// A node's address as the peer-to-peer world writes it: `/ip4/192.168.1.5/tcp/8801/p2p/<node id>`, likewise `/ip6/…` and
/// `/dns4/…` (multiformats.io/multiaddr). The node id is 64 hexadecimal digits.
package struct Multiaddress: Hashable, Sendable, CustomStringConvertible {
    package let address: LinkAddress
    /// `nil` when it names no node: whoever answers there will do.
    package let nodeID: NodeID?

    package init(_ address: LinkAddress, nodeID: NodeID?) {
        self.address = address
        self.nodeID = nodeID
    }

    /// - Throws: `SwarmError` with `badAddress`, naming the part that is wrong.
    package init(_ text: some StringProtocol) throws(SwarmError) {
        func bad(_ why: String) -> SwarmError {
            SwarmError(
                .badAddress,
                "“\(text.prefix(120))” is no address of a node: \(why); it looks like /ip4/192.168.1.5/tcp/8801/p2p/<node id>"
            )
        }
        guard text.utf8.count <= 512 else { throw bad("it is too long") }
        let parts = String(text).split(separator: "/" as Character, omittingEmptySubsequences: false).map(String.init)
        guard parts.first == "", parts.count == 5 || parts.count == 7 else {
            throw bad("it does not have its four or six parts")
        }
        guard parts[3] == "tcp", let port = UInt16(parts[4]), port > 0, parts[4].first != "+" else {
            throw bad("the port is missing")
        }
        guard let address = LinkAddress(host: parts[2], port: Int(port)) else {
            throw bad("“\(parts[2].prefix(60))” is no host")
        }
        switch (parts[1], address.family) {
        case ("ip4", .ipv4), ("ip6", .ipv6), ("dns4", .name): break
        case ("ip4", _), ("ip6", _), ("dns4", _): throw bad("“\(parts[2].prefix(60))” is not of the kind \(parts[1])")
        default: throw bad("it starts with neither /ip4, /ip6 nor /dns4")
        }
        guard !address.isWildcard else { throw bad("\(address.host) stands for every address, so nobody can call it") }
        self.address = address
        if parts.count == 7 {
            guard parts[5] == "p2p" else { throw bad("/\(parts[5].prefix(20)) is unknown") }
            guard let id = NodeID(hex: parts[6]) else { throw bad("a node id has 64 hexadecimal digits") }
            nodeID = id
        } else {
            nodeID = nil
        }
    }

    package var description: String {
        let kind =
            switch address.family {
            case .ipv4: "ip4"
            case .ipv6: "ip6"
            case .name: "dns4"
            }
        let head = "/\(kind)/\(address.host)/tcp/\(address.port)"
        return nodeID.map { "\(head)/p2p/\($0.hex)" } ?? head
    }
}
