import Foundation
import GGUF
import GRPCCore
import Generation
import Identifiers
import Inference
import Link
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Testing
import Timing

@testable import Cluster

/// A master on a real listener.
final class TestMaster: Sendable {
    let master: ClusterMaster
    let address: LinkAddress
    let store: Store
    let identity: NodeIdentity

    init(master: ClusterMaster, address: LinkAddress, store: Store, identity: NodeIdentity) {
        self.master = master
        self.address = address
        self.store = store
        self.identity = identity
    }

    /// A new token of this master.
    func token(_ name: String = "workers") async throws -> (record: ClusterTokenRecord, token: ClusterToken) {
        let (record, text) = try await master.tokens.create(name: name)
        return (record, try #require(ClusterToken(text)))
    }

    func node(_ worker: TestWorker) -> ClusterNode? { master.nodes().first { $0.node == worker.identity.id } }
}

/// Runs a master for the time of `body`.
///
/// - Parameters:
///   - address: where it listens; a free port where none is given.
///   - gate: lets workers in in the place of its own.
func withMaster(
    store: Store? = nil, identity: NodeIdentity = NodeIdentity(), rules: ClusterRegistry.Rules = .quick,
    address: LinkAddress? = nil, gate: WorkerGate? = nil, _ body: (TestMaster) async throws -> Void
) async throws {
    let store = try store ?? Store.inMemory()
    var logger = Logger(label: "master")
    logger.logLevel = .critical
    let master = try ClusterMaster(store: store, me: identity.id, rules: rules, clock: .system, logger: logger)
    let server = try LinkServer(
        network: address ?? LinkAddress(host: "127.0.0.1", port: 0),
        credentials: try CurrentCredentials(LinkCredentials(identity: identity, swarm: SwarmKey())),
        services: [master.service], workers: gate ?? master.gate, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        group.addTask { try await master.run() }
        let address = try #require(LinkAddress(host: "127.0.0.1", port: try await server.port))
        try await body(TestMaster(master: master, address: address, store: store, identity: identity))
        group.cancelAll()
        while (try? await group.next()) != nil {}
    }
}

extension ClusterRegistry.Rules {
    /// Heartbeats that come often, so that tests need not wait for them.
    static var quick: Self {
        var rules = Self()
        rules.heartbeat = .milliseconds(100)
        rules.missedHeartbeats = 50
        return rules
    }
}

/// What a scripted worker does with a generation.
struct Script: Sendable {
    /// Words of its answers; it is given the seed, so that equal seeds may make equal answers.
    var words: @Sendable (_ request: GenerationRequest) -> [String] = { request in
        (0..<20).map { "\(request.sampling.seed ?? 0)-\($0) " }
    }
    /// Called before each word, with its number.
    var before: @Sendable (_ word: Int) async throws -> Void = { _ in }
    /// Called when a generation is asked for.
    var start: @Sendable (GenerationRequest) async throws -> Void = { _ in }
    var embed: @Sendable ([EmbeddingInput]) async throws -> [EmbeddingResult] = { inputs in
        inputs.indices.map { EmbeddingResult(vector: [Float($0), 1], tokenCount: $0) }
    }
}

/// A worker with a scripted engine, on a real link.
final class TestWorker: GenerationBackend {
    let identity: NodeIdentity
    let description: Mutex<WorkerDescription>
    let script: Script
    let drivers = Mutex<[GPUDriver?]>([])
    let joins = Mutex(0)
    /// How often it has slept: before it joins, once after each call in vain.
    let sleeps = Mutex(0)
    /// Generations that ended, and whether they were ended early.
    let endings = Mutex<[Bool]>([])
    private let active = Mutex(0)
    private let task = Mutex<Task<Void, any Error>?>(nil)

    init(
        _ hostname: String, identity: NodeIdentity = NodeIdentity(), weight: Int = 100, models: [String] = ["tiny"],
        script: Script = Script()
    ) {
        self.identity = identity
        self.script = script
        description = Mutex(.sample(hostname: hostname, weight: weight, models: models))
    }

    /// Begins to work; ends with `stop()`.
    func start(_ master: LinkAddress, token: ClusterToken) throws {
        var logger = Logger(label: "worker")
        logger.logLevel = .critical
        let backOff = BackOff(first: .milliseconds(50), longest: .milliseconds(200), spread: 0.5...1.5)
        var clock = NodeClock.system
        let sleep = clock.sleep
        clock.sleep = { duration in
            self.sleeps.withLock { $0 += 1 }
            try await sleep(duration)
        }
        let worker = try ClusterWorker(
            master: master, token: token, identity: identity, operations: operations, backOff: backOff, clock: clock,
            logger: logger
        ) { _, _ in self.joins.withLock { $0 += 1 } }
        task.withLock { $0 = Task { try await worker.run() } }
    }

    /// Ends as a killed process does.
    func stop() { task.withLock { $0?.cancel() } }

    /// How it ended.
    func outcome() async -> Result<Void, any Error> {
        guard let task = task.withLock({ $0 }) else { return .success(()) }
        return await task.result
    }

    var operations: WorkerOperations {
        WorkerOperations(
            description: { self.description.withLock { $0 } },
            processes: { [WorkerProcess(name: "generation_cpu", status: "idle", weight: 100, model: "tiny")] },
            activeJobs: { self.active.withLock { $0 } },
            watch: { _ in try? await Task.sleep(for: .seconds(60)) },
            backend: self,
            setDriver: { driver in self.drivers.withLock { $0.append(driver) } })
    }

    func readiness(for model: String, _ work: GenerationWork) -> BackendReadiness { .ready }

    func embed(_ request: EmbeddingRequest) async throws -> [EmbeddingResult] {
        try await script.embed(request.inputs)
    }

    func availableModels() -> [AvailableModel] { [] }

    func generate(_ request: GenerationRequest) async throws -> GenerationStream {
        try await script.start(request)
        active.withLock { $0 += 1 }
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: GenerationEvent.self)
        let route = [
            RouteSegment(node: identity.id, nickname: "own", layers: LayerRange(first: 0, end: 4)!, isLocal: true)
        ]
        let task = Task {
            do {
                continuation.yield(
                    .started(
                        GenerationStart(
                            requestID: "request", model: request.model, route: route, promptTokens: 3, cachedTokens: 0))
                )
                let words = script.words(request)
                for (number, word) in words.enumerated() {
                    try await script.before(number)
                    try Task.checkCancellation()
                    continuation.yield(.text(word, [DeliveredAnswerTests.info(Int32(number))]))
                }
                continuation.yield(
                    .finished(
                        GenerationResult(
                            finishReason: .stop,
                            usage: TokenUsage(promptTokens: 3, completionTokens: words.count, cachedTokens: 0),
                            timings: GenerationTimings(promptMilliseconds: 1, decodeMilliseconds: 2), route: route)))
                continuation.finish()
                endings.withLock { $0.append(false) }
            } catch {
                continuation.finish(throwing: error)
                endings.withLock { $0.append(true) }
            }
            active.withLock { $0 -= 1 }
        }
        continuation.onTermination = { reason in if case .cancelled = reason { task.cancel() } }
        return GenerationStream(stream)
    }
}
