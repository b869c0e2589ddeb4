package import Acquisition
package import Hub
import Identifiers
import Link
package import ModelLibrary
package import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The hub as operators look at it: what is there, and what it would mean for this node and its swarm.
package struct HubAppraiser: Sendable {
    private let acquirer: ModelAcquirer
    private let library: ModelLibrary
    private let membership: any Membership
    private let keeper: ShardKeeper
    private let memoryBytes: UInt64
    private let shardSizeBytes: UInt64
    private let minimumReplicas: Int

    /// - Parameters:
    ///   - memoryBytes: memory for windows here.
    ///   - shardSizeBytes: what a shard should hold.
    ///   - minimumReplicas: the least number of holders that a shard should have.
    package init(
        acquirer: ModelAcquirer, library: ModelLibrary, membership: any Membership, keeper: ShardKeeper,
        memoryBytes: UInt64, shardSizeBytes: UInt64, minimumReplicas: Int
    ) {
        self.acquirer = acquirer
        self.library = library
        self.membership = membership
        self.keeper = keeper
        self.memoryBytes = memoryBytes
        self.shardSizeBytes = shardSizeBytes
        self.minimumReplicas = minimumReplicas
    }

    /// Repositories that fit a search, best first.
    ///
    /// - Throws: `AcquisitionError` of code `noSource` for a node that asks no hub; `HubError`, `CancellationError`.
    package func search(_ search: HubSearch) async throws -> [HubFinding] {
        let hits = try await acquirer.hubModels.client.search(query: search.text, limit: search.limit, sizes: true)
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
    /// - Throws: `AcquisitionError` of code `noSource` for a node that asks no hub; `HubError`, `CancellationError`.
    package func files(of repository: HubRepository) async throws -> [HubVariant] {
        try await acquirer.hubModels.client.info(of: repository).variants
    }

    /// What the header of a file says.
    ///
    /// - Throws: `AcquisitionError` of code `noSource` for a node that asks no hub; `HubError`; `LibraryError` of code `notAModel`; `CancellationError`.
    package func probe(_ file: ModelOrigin) async throws -> HeaderProbe {
        let description = try await acquirer.hubModels.describe(file)
        return HeaderProbe(
            sizeBytes: description.manifest.totalBytes, headerBytes: description.headerBytes,
            shardCount: description.manifest.shards.count, architecture: description.manifest.architecture,
            isSupported: description.manifest.isSupported, replicas: await interest().replicas[file.repository] ?? 0)
    }

    private var means: ModelAppraisal.Means {
        let peers = membership.peers().filter(\.isConnected)
        let others = peers.reduce(UInt64(0)) { $0 + min($1.record?.hardware.memoryBytes ?? 0, 1 << 50) }
        return ModelAppraisal.Means(
            memoryBytes: memoryBytes, swarmMemoryBytes: memoryBytes + others, nodeCount: peers.count + 1,
            shardSizeBytes: shardSizeBytes,
            minimumReplicas: minimumReplicas)
    }

    /// What the swarm has of the hub's repositories, and is asked for of them.
    private func interest() async -> HubInterest {
        var models: [(id: ModelID, repository: String, isHeld: Bool)] = []
        for model in await library.models() {
            guard let origin = await keeper.origin(of: model.id) else { continue }
            models.append((model.id, origin.repository, !model.held.isEmpty))
        }
        return HubInterest(
            node: membership.me, models: models, peers: membership.peers().filter(\.isConnected),
            demand: await keeper.demand)
    }
}
