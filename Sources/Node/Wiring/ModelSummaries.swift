import Acquisition
import BLAKE3
import GGUF
import HTTPAPI
import Inference
import Link
import ModelLibrary
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Puts together what this node's library, its memory and its peers know of each model.
struct ModelSummaries: Sendable {
    let library: ModelLibrary
    let swarm: SwarmService
    let inference: InferenceService
    let records: ModelRecords

    /// Every model that this node or a connected peer knows, by id.
    func all() async -> [ModelSummary] {
        let own = Dictionary(uniqueKeysWithValues: await library.models().map { ($0.id.rawValue, $0) })
        let available = Dictionary(uniqueKeysWithValues: await inference.availableModels().map { ($0.id, $0) })
        let peers = swarm.peers().filter(\.isConnected)
        let records = records.records
        let now = Date()
        return Set(own.keys).union(available.keys).sorted().map { id in
            let model = available[id]
            let record = ModelID(id).flatMap { records[$0] }
            let trust = record?.trust?.level(at: now) ?? .discovered
            guard let local = own[id] else {
                return ModelSummary(
                    id: id, name: model?.name ?? id, totalSizeBytes: Int(clamping: model?.totalBytes ?? 0), shards: [],
                    isCovered: model?.isCovered ?? false, hasHeader: false, trust: trust, origin: record?.origin)
            }
            let loaded = model?.loadedWindows.filter { $0.node == swarm.me }.map(\.layers) ?? []
            return ModelSummary(
                id: id, name: local.manifest.name, totalSizeBytes: Int(clamping: local.manifest.totalBytes),
                shards: local.manifest.shards.map { shard in
                    ModelSummary.Shard(
                        index: shard.index.rawValue, sizeBytes: Int(clamping: shard.sizeBytes),
                        isLocal: local.held.contains(shard.index),
                        isLoaded: loaded.contains { $0.first <= shard.layers.first && shard.layers.end <= $0.end },
                        isLocked: record?.shards[shard.index]?.isLocked == true,
                        holders: holders(of: shard.index, id: id, hash: local.manifestHash.bytes, among: peers))
                },
                isCovered: model?.isCovered ?? false, hasHeader: true, trust: trust, origin: record?.origin)
        }
    }

    private func holders(of shard: ShardIndex, id: String, hash: [UInt8], among peers: [Peer]) -> [NodeID] {
        peers.filter { peer in
            peer.record?.models.contains {
                $0.modelID == id && $0.shards.contains(UInt32(shard.rawValue)) && $0.manifestHash.elementsEqual(hash)
            } ?? false
        }.map(\.id)
    }
}
