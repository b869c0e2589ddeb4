package import Events
package import Generation
import Identifiers
package import Link
package import Logging
package import ModelLibrary
import ServiceLifecycle
package import Swarm
import Synchronization

/// All inference of one node: sessions, embeddings, tokens, and the windows that are loaded.
///
/// Its ``run()`` keeps the engines; without it nothing starts.
package final class InferenceService: Service {
    let settings: InferenceSettings
    let membership: any Membership
    let library: ModelLibrary
    let supervisor: EngineSupervisor
    let keeper: WindowKeeper
    let catalogue: ModelCatalogue
    let links: EngineLinks
    let preparer: PromptPreparer
    let recorder = StatisticsRecorder()
    let gate: AdmissionGate
    let tasks = GenerationTasks()
    let events: EventBus
    let hooks: InferenceHooks
    let logger: Logger
    let keeperChanges: AsyncStream<Void>
    /// Models whose engines run with other variables than new ones would.
    let staleEngines = Mutex<Set<String>>([])
    let publishedSpeeds = Mutex<[String: Double]>([:])

    /// - Parameters:
    ///   - credentials: What the engines prove the node's identity with.
    package init(
        settings: InferenceSettings, library: ModelLibrary, membership: any Membership, credentials: CurrentCredentials,
        events: EventBus, hooks: InferenceHooks = InferenceHooks(), logger: Logger
    ) {
        self.settings = settings
        self.library = library
        self.membership = membership
        self.events = events
        self.hooks = hooks
        self.logger = logger
        supervisor = EngineSupervisor(settings: settings, credentials: credentials, logger: logger)
        preparer = PromptPreparer(
            supervisor: EngineSupervisor(
                settings: settings, credentials: credentials, role: .preparation, logger: logger), logger: logger)
        links = EngineLinks(credentials: credentials)
        catalogue = ModelCatalogue(library: library, membership: membership, logger: logger)
        gate = AdmissionGate(limit: settings.maximumGenerations, callerPercent: settings.callerPercent)
        let (stream, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        keeperChanges = stream
        keeper = WindowKeeper(supervisor: supervisor, settings: settings, logger: logger) { change in
            if let event = NodeEvent(change) { events.publish(event) }
            switch change {
            case .loaded, .unloaded: changed.yield()
            case .loading, .failed: break
            }
        }
    }

    /// What the swarm's server hands to this node's peers.
    package var nodeRequests: NodeRequests {
        NodeRequests(catalogue: catalogue, shared: shared) { [recorder] _ in recorder.forwarded() }
    }

    /// What has been served so far.
    package func statistics() -> InferenceStatistics { recorder.statistics }

    /// Bytes that loaded windows may take together.
    package var memoryBudgetBytes: UInt64 { keeper.memoryBudgetBytes }

    var shared: NodeSegments.Shared {
        NodeSegments.Shared(
            settings: settings, library: library, membership: membership, supervisor: supervisor, keeper: keeper,
            links: links)
    }

    // MARK: - Running

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.publishChanges() }
                group.addTask {
                    // The engines stay until the last session has ended.
                    try? await gracefulShutdown()
                    await self.tasks.cancelAll()
                    await self.keeper.cancelLoads()
                }
                group.addTask { try? await self.preparer.supervisor.run() }
                try? await supervisor.run()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.tasks.close()
        }
    }

    // MARK: - Tokens

    /// Token ids of a text.
    ///
    /// - Parameters:
    ///   - addSpecial: Adds the token that begins a text, where the model wants one.
    ///   - parseSpecial: Reads `<|im_start|>` and its like as one token.
    package func tokenize(
        model: String, text: String, addSpecial: Bool = false, parseSpecial: Bool = true, share: Share = .node
    ) async throws -> [Int32] {
        let served = try await catalogue.model(named: model).served
        do {
            return try await tokenize(text, addSpecial: addSpecial, parseSpecial: parseSpecial, served, for: share)
        } catch let error as InferenceError {
            throw error.of("content", insteadOf: "prompt")
        }
    }

    /// Tokens whose bytes surely have room in one message.
    private static let tokensPerCall = 16_384

    /// The bytes of each token, which need not be whole UTF-8.
    package func detokenize(model: String, tokens: [Int32], share: Share = .node) async throws -> [[UInt8]] {
        let served = try await catalogue.model(named: model).served
        try check(tokens, try await preparer.connection(served).description, parameter: "tokens")
        var pieces: [[UInt8]] = []
        for start in stride(from: 0, to: tokens.count, by: Self.tokensPerCall) {
            let some = Array(tokens[start..<min(start + Self.tokensPerCall, tokens.count)])
            pieces += try await preparer.pieces(of: some, special: true, served, for: share)
        }
        return pieces
    }

    /// Process id of a model's running engine; nil when there is none.
    package func engineProcessID(model: String) async -> Int32? {
        await supervisor.existingEngine(model: model)?.runningConnection?.processID
    }
}

extension NodeEvent {
    /// A change of a window as the node's operator sees it; nil for what is no news.
    init?(_ change: WindowKeeper.Change) {
        switch change {
        case .loading: return nil
        case .loaded(let model, let layers, let bytes, let seconds):
            self.init(
                .model(.loaded(layers: layers.description, seconds: seconds), EventModel(id: model)),
                "Layers \(layers) of \(model) are loaded (\(bytes >> 20) MiB).", toast: .success)
        case .unloaded(let model, let layers, let freedBytes):
            self.init(
                .model(.unloaded(layers: layers.description, freedBytes: freedBytes), EventModel(id: model)),
                "Layers \(layers) of \(model) are unloaded.")
        case .failed(let model, let layers, let message):
            self.init(
                .model(.loadFailed(layers: layers.description), EventModel(id: model)),
                "Layers \(layers) of \(model) could not be loaded: \(message)", toast: .error)
        }
    }
}
