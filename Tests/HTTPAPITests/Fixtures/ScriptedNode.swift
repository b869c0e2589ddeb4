import Accounts
import Catalogue
import Cluster
import Files
import FoundationEssentials
import GGUF
import Generation
import Identifiers
import Inference
import JSON
import Jobs
import Link
import Logging
import Store
import Swarm
import Synchronization
import Timing

@testable import HTTPAPI

/// A node without engines, peers and files: what it generates and answers is written down by the test.
struct ScriptedNode {
    static let key = String(repeating: "0123456789abcdef", count: 4)
    static let nodeID = id(1)

    var configuration = HTTPAPIConfiguration(port: 0, apiKey: key)
    var services: NodeServices
    var models = ScriptedModels() { didSet { services.models = models } }
    var downloads = ScriptedDownloads() { didSet { services.downloads = downloads } }
    var acquirer = ScriptedAcquirer() { didSet { services.acquirer = acquirer } }
    var keeper = ScriptedKeeper() { didSet { services.keeper = keeper } }
    var hub = ScriptedHub() { didSet { services.hub = hub } }
    /// The requests that reached the node, in order.
    let requests: RecordedRequests

    /// A node that answers every request with `events`.
    init(events: [GenerationEvent] = ScriptedNode.hello) {
        let requests = RecordedRequests()
        self.requests = requests
        let store = Self.store()
        services = NodeServices(
            backend: ScriptedBackend { request in
                requests.add(request)
                return GenerationStream(
                    AsyncThrowingStream { continuation in
                        for event in events { continuation.yield(event) }
                        continuation.finish()
                    })
            },
            tokenizer: ByteTokenizer(),
            models: models, downloads: downloads, acquirer: acquirer, keeper: keeper, hub: hub,
            swarm: SwarmOperations(
                peers: { [(Self.peer, 0.75)] },
                networkCode: {
                    NetworkCode(
                        code: "swarm://abc", nodeID: Self.nodeID, listenAddresses: ["/ip4/127.0.0.1/tcp/8801"],
                        peerCount: 0)
                },
                join: { _ in "127.0.0.1:8801" }, leave: { 3 },
                forget: { _ in throw SwarmError(.peerConnected, "it is connected") }),
            node: NodeOperations(
                version: "1.2.3", nowUnixSeconds: { 1_700_000_000 },
                statistics: { Self.statistics },
                readiness: { [("engine", true), ("store", true)] },
                shutDown: {}),
            accounts: Self.accounts(store: store), loras: NoLoRAs(), loraLimits: LoRAUploadLimits(),
            training: Self.training,
            files: FileOperations(list: { _, _, _ in FilePage(path: "/", items: [], next: nil) }),
            cluster: Self.cluster(store: store))
    }

    /// What requests are answered with.
    var generate: @Sendable (GenerationRequest) async throws -> GenerationStream {
        get { services.backend.generate }
        set { services.backend = ScriptedBackend(generate: newValue) }
    }

    static func id(_ byte: UInt8) -> NodeID {
        guard let id = NodeID(bytes: [UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("32 bytes are an id")
        }
        return id
    }

    static func layers(_ first: Int, _ end: Int) -> LayerRange {
        guard let range = LayerRange(first: first, end: end) else { preconditionFailure("\(first) is before \(end)") }
        return range
    }

    /// What a node without a training command says.
    static let training = TrainingOperations(
        submit: { _, _, _, _ in throw JobError(.notConfigured, "set training.command") },
        wait: { id, _ in throw JobError(.notFound, "there is no job \(id)") },
        job: { id, _ in throw JobError(.notFound, "there is no job \(id)") },
        jobs: { _, _, _ in JobPage(jobs: [], next: nil) },
        cancel: { id, _, _ in throw JobError(.notFound, "there is no job \(id)") },
        log: { id, _ in throw JobError(.notFound, "there is no job \(id)") })

    /// A database in memory.
    static func store() -> Store {
        do { return try Store.inMemory() } catch { preconditionFailure("no database in memory: \(error)") }
    }

    /// Accounts in memory, whose passwords cost next to nothing.
    static func accounts(store: Store? = nil, clock: NodeClock = .system) -> AccountServices {
        var rules = AccountServices.Rules()
        rules.hashing.cost = .negligible
        let key = FileManager.default.temporaryDirectory.appending(path: "jwt-\(UUID().uuidString).key").path
        defer { try? FileManager.default.removeItem(atPath: key) }
        do {
            return try AccountServices(store: store ?? Store.inMemory(), keyPath: key, rules: rules, clock: clock)
        } catch {
            preconditionFailure("no accounts in memory: \(error)")
        }
    }

    /// A master in memory, which nobody works for.
    static func cluster(store: Store) -> ClusterMaster {
        do {
            return try ClusterMaster(
                store: store, me: nodeID,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            preconditionFailure("no cluster in memory: \(error)")
        }
    }

    static let route = [
        RouteSegment(node: id(1), nickname: "alpha", layers: layers(0, 4), isLocal: true),
        RouteSegment(node: id(2), nickname: "béta node", layers: layers(4, 8), isLocal: false),
    ]

    static let started = GenerationEvent.started(
        GenerationStart(
            requestID: String(repeating: "a", count: 32), model: "demo", route: route, promptTokens: 12, cachedTokens: 4
        ))

    static func finished(_ reason: GenerationResult.FinishReason = .stop, tokens: Int = 2) -> GenerationEvent {
        .finished(
            GenerationResult(
                finishReason: reason, usage: TokenUsage(promptTokens: 12, completionTokens: tokens, cachedTokens: 4),
                timings: GenerationTimings(promptMilliseconds: 20, decodeMilliseconds: 10), route: route))
    }

    static func token(_ text: String, logProbability: Float? = nil, top: [TokenInfo.Candidate] = [], offset: Int = 0)
        -> TokenInfo
    {
        TokenInfo(token: 7, bytes: Array(text.utf8), logProbability: logProbability, top: top, textOffset: offset)
    }

    /// "Hello" and " \"wörld\"\n", then the end.
    static let hello: [GenerationEvent] = [
        started, .text("Hello", [token("Hello")]), .text(" \"wörld\"\n", [token(" \"wörld\"\n", offset: 5)]),
        finished(),
    ]

    static let model = AvailableModel(
        id: "demo", name: "Demo", createdUnixSeconds: 1_700_000_000, architecture: "llama", layerCount: 8,
        shardCount: 2,
        totalBytes: 4_000_000, contextLength: 512, isCovered: true, missingLayers: [], heldShards: [0],
        holders: [id(1), id(2)], loadedWindows: [.init(node: id(1), layers: layers(0, 4))])

    static let summary = ModelSummary(
        id: "demo", name: "Demo", totalSizeBytes: 4 << 20,
        shards: [
            .init(index: 0, sizeBytes: 2 << 20, isLocal: true, isLoaded: true, holders: []),
            .init(index: 1, sizeBytes: 2 << 20, isLocal: false, isLoaded: false, holders: [id(2)]),
        ], isCovered: true, hasHeader: true)

    private static let record: NodeRecord = {
        var record = NodeRecord()
        record.version = "1.2.3"
        record.started = Date(timeIntervalSince1970: 1_700_000_000)
        record.models = ([[ShardIndex(1)!], []] as [Set<ShardIndex>]).map { shards in
            var model = HeldModel(ModelID("demo")!)
            model.shards = shards
            return model
        }
        return record
    }()

    static let peer = Peer(
        id: id(2), record: record, nickname: "béta node",
        addresses: [LinkAddress(host: "127.0.0.1", port: 8801)].compactMap { $0 },
        host: "127.0.0.1", roundTrip: .microseconds(1400), connectedSince: Date(), lastSeen: Date())

    static let statistics = NodeStatistics(
        nodeID: nodeID, uptime: .seconds(90), connectedPeers: 1, hostedShards: 1, inference: InferenceStatistics(),
        hardware: HardwareStatistics())
}

/// Generation requests as they reached the node.
final class RecordedRequests: Sendable {
    private let requests = Mutex<[GenerationRequest]>([])

    var all: [GenerationRequest] { requests.withLock { $0 } }

    func add(_ request: GenerationRequest) { requests.withLock { $0.append(request) } }
}
