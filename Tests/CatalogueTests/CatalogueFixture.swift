import Acquisition
import Catalogue
import Events
import Identifiers
import Inference
import Link
import Logging
import ModelLibrary
import ShoalTestSupport
import Store
import Swarm

/// A node's catalogue over a library of its own, without engines, peers and a hub.
struct CatalogueFixture: Sendable {
    static let limits = StorageLimits(
        isAutoManaged: true, autoManagedMegabytes: 10, diskMegabytes: 20, memoryMegabytes: 30)

    /// The demo model of the repository, held whole, in several shards.
    let model: LibraryModel
    let library: ModelLibrary
    let inference: InferenceService
    let keeper: ShardKeeper
    let queue: DownloadQueue
    let catalogue: CatalogueService

    static func with(_ body: (CatalogueFixture) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let (events, store) = (EventBus(), try Store.inMemory())
            let library = try await ModelLibrary.open(
                directory: "\(folder)/models", store: store, events: events, logger: logger)
            let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
            let model = try await library.importFile(
                path: root + "/Models/demo/shoal-demo.gguf", shardSizeBytes: 256 << 10
            ).model
            let identity = NodeIdentity()
            let credentials = try CurrentCredentials(LinkCredentials(identity: identity, swarm: SwarmKey()))
            let swarm = try SwarmService(
                identity: identity, credentials: credentials, record: NodeRecord(), events: events, logger: logger)
            let inference = InferenceService(
                settings: InferenceSettings(socketDirectory: "\(folder)/run"), library: library, membership: swarm,
                credentials: credentials, events: events, hooks: InferenceHooks(), logger: logger)
            let records = try ModelRecords(store: store, logger: logger)
            let keeper = ShardKeeper(
                settings: KeeperSettings(
                    limits: AutoManageSettings(
                        maximumDiskBytes: 1 << 30, maximumStorageBytes: 1 << 30, windowMemoryBytes: 1 << 30)),
                library: library, membership: swarm, records: records, surroundings: .init(), events: events,
                logger: logger)
            let adoption = HeaderAdoption(inference: inference, hub: nil, origin: { _ in nil })
            let queue = try DownloadQueue(
                library: library, store: store,
                sources: ShardSources(
                    offer: { _, _ in ShardOffer(groups: []) }, adoptHeader: { try await adoption.adopt($0) },
                    nodes: { (swarm.me, []) }, room: { .max }, admit: { _ in }, credit: { _, _ in },
                    blame: { _, _, _ in }),
                settings: DownloadQueue.Settings(), events: events, logger: logger)
            let catalogue = CatalogueService(
                library: library, inference: inference, keeper: keeper, queue: queue, membership: swarm, limits: limits)
            try await body(
                CatalogueFixture(
                    model: model, library: library, inference: inference, keeper: keeper, queue: queue,
                    catalogue: catalogue))
        }
    }
}
