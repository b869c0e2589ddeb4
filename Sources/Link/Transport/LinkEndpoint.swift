package import Identifiers

/// Whom to call, and where.
package enum LinkEndpoint: Sendable, Hashable {
    /// A node over mutual TLS. It must prove to be `id` (any member of the swarm when that is `nil`). The addresses are
    /// tried best first.
    case node(NodeID?, addresses: [LinkAddress])
    /// A process of this machine, over a Unix socket that only this user can open.
    case socket(path: String)

    /// The endpoint in a message of the wire, or `nil` when it is malformed.
    package init?(_ message: Shoal_V1_Endpoint) {
        guard let id = NodeID(bytes: message.nodeID) else { return nil }
        self = .node(id, addresses: message.addresses.prefix(32).compactMap { LinkAddress($0) })
    }
}

extension Shoal_V1_Endpoint {
    /// The wire's form of a node's endpoint.
    package init(nodeID: NodeID, addresses: [LinkAddress]) {
        self.init()
        self.nodeID = .init(nodeID.bytes)
        self.addresses = addresses.map(\.description)
    }
}
