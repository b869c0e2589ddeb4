import Acquisition
import BLAKE3
import Generation
import Identifiers
import Inference
import ModelLibrary
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Puts together what this node's library, its memory, its downloads and its peers know of each model.
///
/// The list is kept until one of them has changed. Whether it has is looked up at every request, so that who changes
/// something and then asks sees the change.
actor ModelSummaries {
    /// How long figures of a download may be behind.
    private static let progressAge: Duration = .milliseconds(250)
    /// How long anything may be that changes by time alone, such as trust.
    private static let longestAge: Duration = .seconds(10)

    /// What the list depends on, as far as it is cheap to compare.
    private struct Key: Equatable {
        struct Neighbour: Equatable {
            var id: NodeID
            var sequence: UInt64
            var isHealthy: Bool
        }

        struct Download: Equatable {
            var model: ModelID
            var state: DownloadStatus.State
            var shards: [DownloadStatus.Shard.State]
        }

        var library: UInt64
        var windows: [String: [LayerRange]]
        var peers: [Neighbour]
        var downloads: [Download]
        var records: UInt64
    }

    private let library: ModelLibrary
    private let membership: any Membership
    private let inference: InferenceService
    private let records: ModelRecords
    private let queue: DownloadQueue
    private var latest: (key: Key, made: ContinuousClock.Instant, list: ModelSummaryList)?
    /// The list that is being made; who asks meanwhile waits for it.
    private var making: (key: Key, task: Task<ModelSummaryList, Never>)?
    private var version: UInt64 = 0

    init(
        library: ModelLibrary, membership: any Membership, inference: InferenceService, records: ModelRecords,
        queue: DownloadQueue
    ) {
        self.library = library
        self.membership = membership
        self.inference = inference
        self.records = records
        self.queue = queue
    }

    /// Every model that this node or a connected peer knows, by id.
    func list() async -> ModelSummaryList {
        let own = library.snapshot
        let windows = await inference.loadedWindows()
        let downloads = await queue.statuses()
        let peers = membership.peers().filter(\.isConnected)
        let key = Key(
            library: own.revision, windows: windows,
            peers: peers.map { .init(id: $0.id, sequence: $0.record?.sequence ?? 0, isHealthy: $0.healthy) },
            downloads: downloads.map { .init(model: $0.model, state: $0.state, shards: $0.shards.map(\.state)) },
            records: records.revision)
        if let latest, latest.key == key {
            let isMoving = downloads.contains { $0.state.isActive }
            let limit = isMoving ? Self.progressAge : Self.longestAge
            let age = ContinuousClock.now - latest.made
            if age >= limit { make(key: key, own: own.models, peers: peers, downloads: downloads) }
            // Nobody who asks often waits for what time alone has changed.
            if age < limit * 2 { return latest.list }
        }
        return await make(key: key, own: own.models, peers: peers, downloads: downloads).value
    }

    /// Begins to make the list, unless that has begun.
    @discardableResult
    private func make(
        key: Key, own: [LibraryModel], peers: [Peer], downloads: [DownloadStatus]
    ) -> Task<ModelSummaryList, Never> {
        if let making, making.key == key { return making.task }
        let began = ContinuousClock.now
        let task = Task {
            let models = await Self.summaries(
                own: own, available: await inference.availableModels(), windows: key.windows,
                peers: peers, downloads: downloads, records: records.records)
            if making?.key == key { making = nil }
            if let latest, latest.list.models == models {
                self.latest = (key, began, latest.list)
                return latest.list
            }
            version += 1
            let list = ModelSummaryList(models, version: version)
            latest = (key, began, list)
            return list
        }
        making = (key, task)
        return task
    }

    /// Puts it together beside the actor, which goes on answering meanwhile.
    @concurrent
    private static func summaries(
        own: [LibraryModel], available: [AvailableModel], windows: [String: [LayerRange]], peers: [Peer],
        downloads: [DownloadStatus], records: [ModelID: ModelRecord]
    ) async -> [ModelSummary] {
        let own = Dictionary(uniqueKeysWithValues: own.map { ($0.id, $0) })
        let available = Dictionary(
            available.compactMap { model in ModelID(model.id).map { ($0, model) } },
            uniquingKeysWith: { first, _ in first })
        let downloads = Dictionary(downloads.map { ($0.model, $0) }, uniquingKeysWith: { _, last in last })
        let neighbours = neighbours(peers)
        let now = Date()
        let coming = downloads.filter(\.value.state.isActive).keys
        return Set(own.keys).union(available.keys).union(coming).sorted().map { id in
            let model = available[id]
            let record = records[id]
            let trust = record?.trust?.level(at: now) ?? .discovered
            let download = downloads[id]
            guard let local = own[id] else {
                return ModelSummary(
                    id: id.rawValue, name: model?.name ?? download?.name ?? id.rawValue,
                    totalSizeBytes: Int(clamping: model?.totalBytes ?? 0), shards: [],
                    isCovered: model?.isCovered ?? false, hasHeader: false, peers: Set(model?.holders ?? []),
                    trust: trust, origin: record?.origin, download: download)
            }
            return ModelSummary(
                id: id.rawValue, name: local.manifest.name, totalSizeBytes: Int(clamping: local.manifest.totalBytes),
                shards: shards(
                    of: local, windows: windows[id.rawValue] ?? [], locked: record?.shards(where: \.isLocked) ?? [],
                    neighbours: neighbours[id] ?? []),
                isCovered: model?.isCovered ?? false, hasHeader: true, trust: trust, origin: record?.origin,
                isProbed: local.held.isEmpty && record?.origin != nil && record?.isOriginHearsay == false,
                projector: record?.origin?.projector.map { _ in .init(isLocal: false) }, download: download)
        }
    }

    /// What connected peers have of each model.
    private static func neighbours(_ peers: [Peer]) -> [ModelID: [(NodeID, HeldModel)]] {
        var neighbours: [ModelID: [(NodeID, HeldModel)]] = [:]
        for peer in peers {
            for held in peer.record?.models ?? [] { neighbours[held.id, default: []].append((peer.id, held)) }
        }
        return neighbours
    }

    private static func shards(
        of model: LibraryModel, windows: [LayerRange], locked: Set<ShardIndex>,
        neighbours: [(NodeID, HeldModel)]
    ) -> [ModelSummary.Shard] {
        var holders: [ShardIndex: [NodeID]] = [:]
        var fetchers: [ShardIndex: [ModelSummary.Fetcher]] = [:]
        for (node, held) in neighbours where held.manifestHash == model.manifestHash {
            for shard in held.shards { holders[shard, default: []].append(node) }
            for shard in held.downloading { fetchers[shard, default: []].append(.init(node: node)) }
        }
        return model.manifest.shards.map { shard in
            ModelSummary.Shard(
                index: shard.index.rawValue, sizeBytes: Int(clamping: shard.sizeBytes),
                isLocal: model.held.contains(shard.index), isLoaded: windows.contains { $0.contains(shard.layers) },
                isLocked: locked.contains(shard.index), holders: holders[shard.index] ?? [],
                fetchers: fetchers[shard.index] ?? [])
        }
    }
}
