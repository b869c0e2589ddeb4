package import Identifiers
import JSON
import Link

/// Another node as the node admin API shows it.
package struct PeerSummary: Sendable, Hashable {
    package var nodeID: NodeID
    package var nickname: String?
    /// Measured round trip.
    package var latencyMilliseconds: Double?
    /// As a supplier of shards, from 0 to 1.
    package var trustScore: Double
    /// Heard of in the last 90 seconds.
    package var isHealthy: Bool
    package var gpu: String?
    package var version: String?
    package var uptimeSeconds: Int?
    package var hostedModels: [String]
    /// Models that its record had no room for.
    package var omittedModels: Int
    package var hostedShards: Int
    /// Reached on a private or loopback address.
    package var isOnLAN: Bool
    /// `/ip4/…/tcp/…/p2p/<node id>`, best first.
    package var addresses: [String]
    /// RFC 3339.
    package var lastSeen: String

    package init(
        nodeID: NodeID, nickname: String?, latencyMilliseconds: Double?, trustScore: Double, isHealthy: Bool,
        gpu: String?, version: String?, uptimeSeconds: Int?, hostedModels: [String], omittedModels: Int = 0,
        hostedShards: Int, isOnLAN: Bool, addresses: [String], lastSeen: String
    ) {
        self.nodeID = nodeID
        self.nickname = nickname
        self.latencyMilliseconds = latencyMilliseconds
        self.trustScore = trustScore
        self.isHealthy = isHealthy
        self.gpu = gpu
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.hostedModels = hostedModels
        self.omittedModels = omittedModels
        self.hostedShards = hostedShards
        self.isOnLAN = isOnLAN
        self.addresses = addresses
        self.lastSeen = lastSeen
    }

    /// One element of `GET /api/admin/peers`.
    var json: JSONValue {
        [
            "node_id": .string(nodeID.short),
            "nickname": .optional(nickname),
            "latency_ms": .optional(latencyMilliseconds.map { Int($0.rounded()) }),
            "trust_score": .number((trustScore * 1000).rounded() / 1000),
            "healthy": .bool(isHealthy),
            "gpu": .optional(gpu),
            "version": .optional(version),
            "uptime_seconds": .optional(uptimeSeconds),
            "hosted_models": .array(Set(hostedModels).sorted().map { .string($0) }),
            "omitted_models": .integer(omittedModels),
            "hosted_shards": .integer(hostedShards),
            "is_lan_peer": .bool(isOnLAN),
            "is_pool_member": false,
            "is_anchor": false,
            "addresses": .array(addresses.map { .string($0) }),
            "last_seen": .string(lastSeen),
        ]
    }
}
