import Acquisition
import Events
import Exchange
import GGUF
import Generation
import Identifiers
import Inference
import Link
import Logging
import ModelLibrary
import ShoalTestSupport
import Store
import Swarm
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A node without its HTTP side: library, swarm, inference, with real engine processes.
struct TestNode: Sendable {
    static let model = "shoal-demo"

    /// The demo model of the repository.
    static var modelPath: String {
        #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/Models/demo/shoal-demo.gguf"
    }

    let identity: NodeIdentity
    let library: ModelLibrary
    let swarm: SwarmService
    let inference: InferenceService
    let events: EventBus

    /// Runs `body` with a node that holds the layers of the demo model that `wants` picks.
    static func run<Result: Sendable>(
        key: SwarmKey = SwarmKey(), nickname: String = "node", wants: @Sendable (LayerRange) -> Bool = { _ in true },
        configure: @Sendable (inout InferenceSettings) -> Void = { _ in }, hooks: InferenceHooks = InferenceHooks(),
        log: LogRecorder? = nil, _ body: @escaping @Sendable (TestNode) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { folder in
            let logger = log?.logger ?? Logger(label: nickname) { _ in SwiftLogNoOpLogHandler() }
            let events = EventBus()
            let library = try await ModelLibrary.open(
                directory: "\(folder)/models", store: Store.inMemory(), events: events, logger: logger)
            let size = UInt64(256 << 10)
            let layout = ShardLayout(model: try GGUFModel(path: modelPath), shardSizeBytes: size)
            let shards = Set(layout.shards.filter { wants($0.layers) }.compactMap { ShardIndex($0.index) })
            if !shards.isEmpty { try await library.importFile(path: modelPath, shards: shards, shardSizeBytes: size) }

            let identity = NodeIdentity()
            let credentials = try CurrentCredentials(LinkCredentials(identity: identity, swarm: key))
            var record = NodeRecord()
            record.nickname = nickname
            let swarm = try SwarmService(
                identity: identity, credentials: credentials, record: record, events: events, logger: logger)
            var settings = InferenceSettings(socketDirectory: "\(folder)/run")
            settings.engineListenHost = "127.0.0.1"
            settings.threads = 1
            configure(&settings)
            let inference = InferenceService(
                settings: settings, library: library, membership: swarm, credentials: credentials, events: events,
                hooks: hooks, logger: logger)
            let service = SwarmNodeService(
                swarm: swarm, requests: inference.nodeRequests, shards: ShardServer(library: library, logger: logger))
            let server = try LinkServer(
                network: LinkAddress(host: "127.0.0.1", port: 0), credentials: credentials, services: [service],
                shards: service.linkShards, gracePeriod: .zero, logger: logger)
            let node = TestNode(
                identity: identity, library: library, swarm: swarm, inference: inference, events: events)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                swarm.listening(host: "127.0.0.1", port: try await server.port)
                group.addTask { try await swarm.run() }
                group.addTask { try await inference.run() }
                defer { group.cancelAll() }
                return try await body(node)
            }
        }
    }

    /// Joins another node's swarm, and waits until both offer the demo model to each other.
    func join(_ other: TestNode) async throws {
        let changes = [swarm.changes(), other.swarm.changes()]
        try await swarm.join(code: other.swarm.inviteCode())
        for (service, changes) in zip([swarm, other.swarm], changes) {
            let wanted = service === swarm ? other.identity.id : identity.id
            let isThere = {
                service.peers().contains { $0.id == wanted && $0.healthy && $0.record?.models.isEmpty == false }
            }
            if isThere() { continue }
            for await _ in changes where isThere() { break }
        }
    }

    /// A request to the demo model that gives the same answer each time.
    static func request(_ prompt: String, tokens: Int? = nil) -> GenerationRequest {
        var request = GenerationRequest(model: model, prompt: .text(prompt), maximumTokens: tokens)
        request.sampling.temperature = 0
        request.topLogProbabilities = 0
        request.cachePrompt = false
        return request
    }

    /// All events of a generation.
    func events(_ request: GenerationRequest) async throws -> EventList {
        let list = EventList()
        for try await event in try await inference.generate(request) { list.add(event) }
        return list
    }
}

extension TestNode {
    /// Kills or freezes the engine of the demo model.
    func strike(frozen: Bool) async throws {
        let process = try #require(await inference.engineProcessID(model: Self.model))
        try #require(kill(process, frozen ? SIGSTOP : SIGKILL) == 0)
    }
}
