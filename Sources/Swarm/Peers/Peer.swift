package import Identifiers
package import Link

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Another node of the swarm, as this node knows it at one moment.
package struct Peer: Sendable, Identifiable {
    package let id: NodeID
    /// What it said about itself last; `nil` when it has not been met yet.
    package var record: NodeRecord?
    /// What its operator calls it, or called it when it was there last; empty when nothing.
    package var nickname: String
    /// Where it can be called, best first.
    package var addresses: [LinkAddress]
    /// The IP address or name that it is connected from or at.
    package var host: String?
    /// Smoothed time of a message there and back, while connected.
    package var roundTrip: Duration?
    /// The shortest of the latest round trips.
    package var minimumRoundTrip: Duration?
    package var connectedSince: Date?
    package var lastSeen: Date?
    /// Connected, and heard of within the last three seconds: fit to be planned with.
    package var healthy: Bool

    package init(
        id: NodeID, record: NodeRecord? = nil, nickname: String? = nil, addresses: [LinkAddress] = [],
        host: String? = nil,
        roundTrip: Duration? = nil,
        minimumRoundTrip: Duration? = nil, connectedSince: Date? = nil, lastSeen: Date? = nil, healthy: Bool = false
    ) {
        self.id = id
        self.record = record
        self.nickname = nickname ?? record?.nickname ?? ""
        self.addresses = addresses
        self.host = host
        self.roundTrip = roundTrip
        self.minimumRoundTrip = minimumRoundTrip
        self.connectedSince = connectedSince
        self.lastSeen = lastSeen
        self.healthy = healthy
    }

    package var isConnected: Bool { connectedSince != nil }

    package var multiaddresses: [Multiaddress] { addresses.map { Multiaddress($0, nodeID: id) } }

    /// Whether it is reached over a local network.
    package var isLocal: Bool {
        host.map(AdvertisedAddresses.isLocal) ?? addresses.contains { AdvertisedAddresses.isLocal($0.host) }
    }
}

/// Something about the swarm is different: ask `peers()` what.
package enum SwarmChange: Sendable, Hashable {
    /// A peer connected, disconnected, fell silent, was heard of again, or published a new record.
    case peer(NodeID)
    /// This node moved to another swarm: whoever holds its old credentials needs the new ones.
    case credentials
}
