import Identifiers
import Link
import NodeAPI
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension PeerBody {
    /// How long after it was last heard of a peer still counts as healthy.
    private static let healthySeconds = 90.0

    /// - Parameter trustScore: as a supplier of shards, from 0 to 1.
    init(_ peer: Peer, trustScore: Double, now: Date) {
        let record = peer.record
        self.init(
            nodeId: peer.id.short, nickname: peer.nickname.isEmpty ? nil : peer.nickname,
            latencyMs: peer.roundTrip.map { Int(($0 / .milliseconds(1)).rounded()) },
            trustScore: (trustScore * 1000).rounded() / 1000,
            healthy: peer.isConnected && now.timeIntervalSince(peer.lastSeen ?? .distantPast) < Self.healthySeconds,
            gpu: record?.hardware.gpu,
            version: record.flatMap { $0.version.isEmpty ? nil : $0.version },
            uptimeSeconds: record?.started.map { max(0, Int64(now.timeIntervalSince($0))) },
            hostedModels: Set(record?.models.filter { !$0.shards.isEmpty }.map(\.id.rawValue) ?? []).sorted(),
            omittedModels: record?.omittedModels ?? 0,
            hostedShards: record?.models.map(\.shards.count).reduce(0, +) ?? 0, isLanPeer: peer.isLocal,
            addresses: peer.multiaddresses.map(\.description),
            lastSeen: (peer.lastSeen ?? Date(timeIntervalSince1970: 0)).formatted(.iso8601))
    }
}
