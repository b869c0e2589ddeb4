import Acquisition
import HTTPAPI
import Hub
import Identifiers
import Inference
import Link
import ModelLibrary
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The hub as operators look at it: what is there, and what it would mean for this node and its swarm.
struct HubAppraiser: Sendable {
    let hub: HubModels
    let library: ModelLibrary
    let swarm: SwarmService
    let keeper: ShardKeeper
    let settings: Settings
    /// Memory for windows here.
    let memoryBytes: UInt64

    /// Repositories that fit a search, best first.
    ///
    /// - Throws: `HubError`, `CancellationError`.
    func search(_ search: HubSearch) async throws -> [HubFinding] {
        let hits = try await hub.client.search(query: search.text, limit: search.limit, sizes: true)
        let means = means
        let interest = await interest()
        return hits.compactMap { hit -> HubFinding? in
            let name = hit.repository.description
            let tasks = ModelTask.of(tags: hit.tags, name: name)
            guard search.tasks.isEmpty || !search.tasks.isDisjoint(with: tasks) else { return nil }
            let chosen = HubVariant.recommended(among: hit.variants)
            return HubFinding(
                repository: hit.repository, variants: hit.variants, downloads: hit.downloads, likes: hit.likes,
                tasks: tasks,
                replicas: interest.replicas[name] ?? 0,
                appraisal: ModelAppraisal(
                    sizeBytes: chosen?.sizeBytes ?? 0, downloads: hit.downloads, likes: hit.likes,
                    replicas: interest.replicas[name] ?? 0, requests: interest.requests[name] ?? 0, means: means))
        }.sorted { left, right in
            (right.appraisal.score.total, right.downloads, left.repository.description)
                < (left.appraisal.score.total, left.downloads, right.repository.description)
        }
    }

    /// The GGUF files of one repository.
    ///
    /// - Throws: `HubError`, `CancellationError`.
    func files(of repository: HubRepository) async throws -> [HubVariant] {
        try await hub.client.info(of: repository).variants
    }

    /// What the header of a file says.
    ///
    /// - Throws: `HubError`; `LibraryError` of code `notAModel`; `CancellationError`.
    func probe(_ file: ModelOrigin) async throws -> HeaderProbe {
        let description = try await hub.describe(file)
        return HeaderProbe(
            sizeBytes: description.manifest.totalBytes, headerBytes: description.headerBytes,
            shardCount: description.manifest.shards.count, architecture: description.manifest.architecture,
            isSupported: description.manifest.isSupported, replicas: await interest().replicas[file.repository] ?? 0)
    }

    private var means: ModelAppraisal.Means {
        let peers = swarm.peers().filter(\.isConnected)
        let others = peers.reduce(UInt64(0)) { $0 + min($1.record?.hardware.memoryBytes ?? 0, 1 << 50) }
        return ModelAppraisal.Means(
            memoryBytes: memoryBytes, swarmMemoryBytes: memoryBytes + others, nodeCount: peers.count + 1,
            shardSizeBytes: UInt64(settings.models.shardSizeMegabytes) << 20,
            minimumReplicas: settings.autoManage.minimumReplicas)
    }

    /// What the swarm has of the hub's repositories, and is asked for of them.
    private func interest() async -> HubInterest {
        var models: [(id: ModelID, repository: String, isHeld: Bool)] = []
        for model in await library.models() {
            guard let origin = await keeper.origin(of: model.id) else { continue }
            models.append((model.id, origin.repository, !model.held.isEmpty))
        }
        return HubInterest(
            node: swarm.me, models: models, peers: swarm.peers().filter(\.isConnected), demand: await keeper.demand)
    }
}
