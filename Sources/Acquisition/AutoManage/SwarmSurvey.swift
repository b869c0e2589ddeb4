import Identifiers
import Link
import ModelLibrary

/// A snapshot, counted: who holds what, and how many should.
struct SwarmSurvey {
    let snapshot: AutoManageSnapshot
    /// Other nodes that are healthy, by id, each once.
    let peers: [AutoManageSnapshot.Peer]
    /// By id, each once.
    let models: [ModelSurvey]
    /// Bytes of all shards that are held or being fetched here.
    let usedBytes: UInt64
    /// The part of them that is being fetched.
    let downloadingBytes: UInt64

    init(_ snapshot: AutoManageSnapshot) {
        self.snapshot = snapshot
        var peers: [AutoManageSnapshot.Peer] = []
        for peer in snapshot.peers.sorted(by: { $0.id < $1.id })
        where peer.isHealthy && peer.id != snapshot.node && peer.id != peers.last?.id {
            peers.append(peer)
        }
        self.peers = peers
        var models: [ModelSurvey] = []
        for model in snapshot.models.sorted(by: { $0.id < $1.id }) where model.id != models.last?.model.id {
            models.append(
                ModelSurvey(model, peers: peers, minimumReplicas: snapshot.settings.minimumReplicas))
        }
        self.models = models
        usedBytes = models.reduce(0) { $0.saturatingSum($1.ownBytes) }
        downloadingBytes = models.reduce(0) { $0.saturatingSum($1.downloadingBytes) }
    }

    /// Nodes that are there, this one included.
    var pool: Int { peers.count + 1 }
}

/// One model of a snapshot, counted. Arrays are by shard index.
struct ModelSurvey {
    let model: AutoManageSnapshot.Model
    let indices: [ShardIndex]
    let isHeld: [Bool]
    let isDownloading: [Bool]
    /// How many healthy peers hold each shard.
    let peersHolding: [Int]
    /// How many healthy peers are fetching it.
    let peersFetching: [Int]
    let demand: ReplicationTarget.Demand
    /// How many nodes should hold each shard.
    let target: Int
    /// Bytes of the shards that are held or being fetched here.
    let ownBytes: UInt64
    let downloadingBytes: UInt64

    init(_ model: AutoManageSnapshot.Model, peers: [AutoManageSnapshot.Peer], minimumReplicas: Int) {
        self.model = model
        let indices = (0..<model.shards.count).compactMap { ShardIndex($0) }
        self.indices = indices
        var isHeld = [Bool](repeating: false, count: indices.count)
        var isDownloading = isHeld
        for shard in model.held.keys where shard.rawValue < indices.count { isHeld[shard.rawValue] = true }
        for shard in model.downloading where shard.rawValue < indices.count && !isHeld[shard.rawValue] {
            isDownloading[shard.rawValue] = true
        }
        var holding = [Int](repeating: 0, count: indices.count)
        var fetching = holding
        for peer in peers {
            let held = peer.held[model.id] ?? []
            for shard in held where shard.rawValue < indices.count { holding[shard.rawValue] += 1 }
            guard let coming = peer.downloading[model.id] else { continue }
            for shard in coming where shard.rawValue < indices.count && !held.contains(shard) {
                fetching[shard.rawValue] += 1
            }
        }
        self.isHeld = isHeld
        self.isDownloading = isDownloading
        peersHolding = holding
        peersFetching = fetching
        demand = ReplicationTarget.Demand(requests: model.requests)
        target = ReplicationTarget.holders(
            pool: peers.count + 1, demand: demand, minimumReplicas: minimumReplicas)
        var own: UInt64 = 0
        var downloading: UInt64 = 0
        for index in indices.indices {
            let bytes = model.shards[index].sizeBytes
            if isDownloading[index] { downloading = downloading.saturatingSum(bytes) }
            if isHeld[index] || isDownloading[index] { own = own.saturatingSum(bytes) }
        }
        ownBytes = own
        downloadingBytes = downloading
    }

    /// Shards that are held or being fetched here.
    var ownCount: Int { indices.indices.count { isHeld[$0] || isDownloading[$0] } }
}

extension UInt64 {
    /// The sum, or the greatest number where it is greater: sizes come from other nodes, and may be absurd.
    func saturatingSum(_ other: UInt64) -> UInt64 {
        let (sum, isTooGreat) = addingReportingOverflow(other)
        return isTooGreat ? .max : sum
    }

    /// The product, or the greatest number where it is greater.
    func saturatingProduct(_ other: UInt64) -> UInt64 {
        let (product, isTooGreat) = multipliedReportingOverflow(by: other)
        return isTooGreat ? .max : product
    }

    /// The difference, or 0 where it is negative.
    func saturatingDifference(_ other: UInt64) -> UInt64 {
        self > other ? self - other : 0
    }
}
