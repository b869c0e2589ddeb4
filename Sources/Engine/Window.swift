internal import CEngine
internal import Dispatch
package import GGUF
internal import Synchronization

internal import class Foundation.Thread

/// Contiguous layers of a model, loaded, and the thread that runs them for many sessions at once.
///
/// Every call returns at once: work goes into an inbox that the window's own thread empties between two computations.
package final class Window: Sendable {
    package struct Configuration: Sendable {
        /// Cells of the key-value cache, shared by all sessions.
        package var contextLength = 4096
        /// Sequences alive at once, kept prefixes included.
        package var maximumSequences = 32
        /// Tokens of a prompt that are computed at once.
        package var chunkLength = 512
        package var threads = 1
        package var layout = WeightLayout.repacked
        /// Layers that go to a GPU; negative: all of them.
        package var gpuLayers = 0

        package init() {}
    }

    /// What a window measures and holds, at one moment.
    package struct Status: Sendable {
        package var activeSessions = 0
        package var keptPrefixes = 0
        package var usedCells = 0
        /// Time of one decode step with one session, divided by the layers; `nil` before the first.
        package var decodePerLayer: Duration?
        package var promptTokensPerSecond: Double?
    }

    package let layers: LayerRange
    package let isFirst: Bool
    package let isLast: Bool
    package let configuration: Configuration
    package let weights: ModelWeights
    /// Bytes of weights in memory, both forms counted.
    package let weightBytes: UInt64
    package let vocabulary: Vocabulary?
    package let cacheBytes: UInt64

    /// Cells for prompts that are computed on weights of their own, before they move; longer prompts stay with the
    /// others.
    private static let promptCells = 4096

    private let inbox = Mutex<[WindowCommand]>([])
    private let arrivals = DispatchSemaphore(value: 0)
    private let status = Mutex(Status())
    private let busySince = Mutex<ContinuousClock.Instant?>(nil)

    /// Loads nothing itself: takes loaded weights of `layers` out of `layerCount` and starts the computing thread.
    ///
    /// - Parameters:
    ///   - promptWeights: the same layers in the plain layout, where prompts get weights of their own.
    ///   - vocabulary: needed by the last window, which samples.
    ///   - inputTensor: `CutRule.inputTensor` of the model.
    package init(
        weights: ModelWeights, promptWeights: ModelWeights?, layers: LayerRange, layerCount: Int,
        vocabulary: Vocabulary?,
        inputTensor: String? = nil, configuration: Configuration
    ) throws {
        self.weights = weights
        weightBytes = weights.sizeBytes + (promptWeights?.sizeBytes ?? 0)
        self.layers = layers
        self.configuration = configuration
        self.vocabulary = vocabulary
        isFirst = layers.first == 0
        isLast = layers.end == layerCount
        let edges = WindowContext.Edges(
            capturedLayer: isLast ? nil : layers.count - 1, inputTensor: isFirst ? nil : inputTensor)
        let context = try WindowContext(weights: weights, edges: edges, configuration: configuration)
        let promptContext = try promptWeights.map {
            var configuration = configuration
            configuration.contextLength = min(configuration.contextLength, Self.promptCells)
            return try WindowContext(weights: $0, edges: edges, configuration: configuration)
        }
        cacheBytes = context.cacheBytes + (promptContext?.cacheBytes ?? 0)
        // The thread's alone from here.
        nonisolated(unsafe) let computer = WindowComputer(
            window: self, context: context, promptContext: promptContext)
        let thread = Thread { computer.run() }
        thread.name = "window \(layers)"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Gives a session a place; answers with ``SessionEvent/opened(reusableTokens:)`` or a failure.
    package func open(_ request: SessionRequest, outputs: SessionOutputs) {
        send(.open(request, outputs))
    }

    /// Starts an opened session, of whose prompt every window has the first `reusedTokens` tokens.
    package func start(_ session: SessionID, reusedTokens: Int) {
        send(.start(session, reusedTokens: reusedTokens))
    }

    package func receive(_ states: HiddenStates) {
        send(.hiddenStates(states))
    }

    package func receive(_ token: NextToken) {
        send(.nextToken(token))
    }

    /// Frees a session, whatever it is doing. Nothing is sent to its outputs afterwards.
    package func close(_ session: SessionID) {
        send(.close(session))
    }

    /// Ends a session with an error.
    package func fail(_ session: SessionID, _ error: EngineError) {
        send(.fail(session, error))
    }

    /// One pooled vector per input. The window must hold all layers.
    package func embed(_ inputs: [[Int32]]) async throws -> [[Float]] {
        try await withCheckedThrowingContinuation { continuation in
            send(.embed(inputs) { continuation.resume(with: $0) })
        }
    }

    /// Ends all sessions with ``EngineError/Code/windowUnloaded`` and frees the memory once the thread is done.
    package func unload() {
        send(.unload)
    }

    package var currentStatus: Status { status.withLock { $0 } }

    /// How long the running computation has been at it; `nil` when idle.
    package var busyFor: Duration? {
        busySince.withLock { $0 }.map { ContinuousClock.now - $0 }
    }

    private func send(_ command: WindowCommand) {
        inbox.withLock { $0.append(command) }
        arrivals.signal()
    }

    // MARK: for the computing thread

    func takeCommands(waiting: Bool) -> [WindowCommand] {
        if waiting { arrivals.wait() }
        while !waiting, arrivals.wait(timeout: .now()) == .success {}
        return inbox.withLock { commands in
            defer { commands = [] }
            return commands
        }
    }

    func publish(_ change: (inout Status) -> Void) {
        status.withLock { change(&$0) }
    }

    func noteBusy(since instant: ContinuousClock.Instant?) {
        busySince.withLock { $0 = instant }
    }
}

/// What the window's thread is asked to do.
enum WindowCommand: Sendable {
    case open(SessionRequest, SessionOutputs)
    case start(SessionID, reusedTokens: Int)
    case hiddenStates(HiddenStates)
    case nextToken(NextToken)
    case close(SessionID)
    case fail(SessionID, EngineError)
    case embed([[Int32]], reply: @Sendable (Result<[[Float]], any Error>) -> Void)
    case unload
}
