import Acquisition
import Catalogue
import Events
import Exchange
import Generation
import Hub
import Identifiers
import Inference
import Link
import Logging
import ModelLibrary
import ServiceLifecycle
import Store
import Swarm
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the node has to bring models here: from peers, and from the hub.
struct DownloadParts: Sendable {
    /// Nil where the environment says nonsense about the hub.
    let hub: HubClient?
    let sources: ShardSources
    let suppliers: ShardSuppliers
    let queue: DownloadQueue
    let hubModels: HubModels?
    /// What is received; what is sent has a limit of its own.
    let bandwidth: BandwidthLimit

    init(
        settings: Settings, library: ModelLibrary, store: Store, events: EventBus, swarm: SwarmService,
        inference: InferenceService, records: ModelRecords, reputation: PeerReputation
    ) throws {
        let logger = Logger(label: "downloads")
        let hub = Self.hubClient(settings.hub)
        let bandwidth = BandwidthLimit(bytesPerSecond: settings.resources.maximumBandwidthBytes)
        let origin: @Sendable (ModelID) -> ModelOrigin? = { (try? records.record(of: $0))?.origin }
        let models = hub.map {
            HubModels(
                client: $0, library: library, shardSizeBytes: UInt64(settings.models.shardSizeMegabytes) << 20)
        }
        let suppliers = ShardSuppliers(
            membership: swarm, holders: ShardHolders(membership: swarm, reputation: reputation), hub: models,
            origin: { origin($0) }, logger: logger)
        let room = DiskRoom(library: library, limitBytes: UInt64(settings.resources.maximumDiskMegabytes) << 20)
        let adoption = HeaderAdoption(inference: inference, hub: models, origin: origin)
        let sources = ShardSources(
            offer: { try await suppliers.offer($1, of: $0) },
            adoptHeader: { try await adoption.adopt($0) },
            nodes: { (swarm.me, swarm.peers().filter(\.isConnected).map(\.id)) },
            room: { try await room.bytes },
            admit: { try await bandwidth.take($0) },
            credit: { await reputation.noteGood($1, from: $0) },
            blame: { await reputation.noteWrong(ShardID(model: $1, index: $2), from: $0) })
        var queueSettings = DownloadQueue.Settings()
        queueSettings.maximumShards = settings.autoManage.maximumConcurrentDownloads
        queueSettings.maximumIdleAttempts = settings.downloads.attempts
        queueSettings.longestPause = settings.downloads.longestPause
        queueSettings.roomInterval = settings.downloads.roomInterval
        self.hub = hub
        hubModels = models
        self.bandwidth = bandwidth
        self.sources = sources
        self.suppliers = suppliers
        queue = try DownloadQueue(
            library: library, store: store, sources: sources, settings: queueSettings, events: events, logger: logger)
    }

    /// A client of the hub that the environment names.
    private static func hubClient(_ settings: Settings.Hub) -> HubClient? {
        let logger = Logger(label: "hub")
        do {
            var configuration = try HubConfiguration.fromEnvironment(ProcessInfo.processInfo.environment)
            configuration.stallLimit = settings.stallLimit
            configuration.answerLimit = settings.stallLimit
            configuration.maximumAttempts = settings.attempts
            return try HubClient(configuration: configuration, logger: logger)
        } catch {
            logger.error("models cannot be fetched from the hub", metadata: ["reason": "\(error)"])
            return nil
        }
    }
}

/// Closes the connections to the hub when the node stops.
struct HubConnections: Service {
    let hub: HubClient?

    func run() async throws {
        try? await gracefulShutdown()
        await hub?.shutdown()
    }
}

/// The shards that are on their way here, for those who tell the swarm of them.
final class ComingShards: Sendable {
    private let shards = Mutex<[ModelID: Set<ShardIndex>]>([:])

    subscript(model: ModelID) -> Set<ShardIndex> { shards.withLock { $0[model] ?? [] } }

    /// - Returns: whether anything is different.
    func set(_ coming: [ModelID: Set<ShardIndex>]) -> Bool {
        shards.withLock { shards in
            defer { shards = coming }
            return shards != coming
        }
    }
}

/// Has the swarm told of the shards that are on their way here.
struct ComingShardsWatch: Service {
    let shards: ComingShards
    let queue: DownloadQueue
    let inference: InferenceService

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await queue.changes() where shards.set(await queue.downloading()) {
                await inference.republish()
            }
        }
    }
}
