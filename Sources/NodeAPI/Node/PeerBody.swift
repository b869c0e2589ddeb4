/// One of `GET /api/admin/peers`.
package struct PeerBody: Codable, Sendable, Hashable {
    /// 16 hexadecimal digits.
    package var nodeId: String
    @Nullable package var nickname: String?
    /// Measured round trip.
    @Nullable package var latencyMs: Int?
    /// As a supplier of shards, from 0 to 1.
    package var trustScore: Double
    /// Heard of in the last 90 seconds.
    package var healthy: Bool
    @Nullable package var gpu: String?
    @Nullable package var version: String?
    @Nullable package var uptimeSeconds: Int64?
    package var hostedModels: [String]
    /// Models that its record had no room for.
    package var omittedModels: Int
    package var hostedShards: Int
    /// Reached on a private or loopback address.
    package var isLanPeer: Bool
    package var isPoolMember = false
    package var isAnchor = false
    /// `/ip4/…/tcp/…/p2p/<node id>`, best first.
    package var addresses: [String]
    /// RFC 3339; 1970 for one that was never seen.
    package var lastSeen: String

    package init(
        nodeId: String, nickname: String?, latencyMs: Int?, trustScore: Double, healthy: Bool, gpu: String?,
        version: String?, uptimeSeconds: Int64?, hostedModels: [String], omittedModels: Int, hostedShards: Int,
        isLanPeer: Bool, addresses: [String], lastSeen: String
    ) {
        self.nodeId = nodeId
        self.nickname = nickname
        self.latencyMs = latencyMs
        self.trustScore = trustScore
        self.healthy = healthy
        self.gpu = gpu
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.hostedModels = hostedModels
        self.omittedModels = omittedModels
        self.hostedShards = hostedShards
        self.isLanPeer = isLanPeer
        self.addresses = addresses
        self.lastSeen = lastSeen
    }
}
