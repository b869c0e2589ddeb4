internal import CEngine
internal import Dispatch
internal import Foundation
import GGUF
package import Identifiers
internal import Synchronization

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

    /// libllama goes through grammars by recursion; what is not used costs address space alone.
    private static let stackBytes = 128 << 20

    private let inbox = Mutex<[WindowCommand]>([])
    private let arrivals = DispatchSemaphore(value: 0)
    private let status = Mutex(Status())
    private let step = Mutex<(current: ComputeStep?, count: UInt64)>((nil, 0))
    private let thread = Mutex<(number: Int32, clock: clockid_t?, hasEnded: Bool)>((0, nil, false))

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
        thread.stackSize = Self.stackBytes
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
        currentStep.map { ContinuousClock.now - $0.since }
    }

    /// What the thread is at; `nil` when idle.
    package var currentStep: ComputeStep? { step.withLock { $0.current } }

    /// The thread, and what it has taken so far.
    package var computeThread: ComputeThread {
        let (number, clock, _) = thread.withLock { $0 }
        guard let clock else { return ComputeThread(number: number) }
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return ComputeThread(number: number) }
        return ComputeThread(number: number, processorSeconds: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }

    /// Whether the thread is done and its memory freed, after ``unload()``.
    package var hasEnded: Bool { thread.withLock { $0.hasEnded } }

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

    /// Runs a step that is watched.
    func step<Result>(
        _ kind: ComputeStep.Kind, session: SessionID? = nil, fail: (@Sendable (EngineError) -> Void)? = nil,
        _ body: () throws -> Result
    ) rethrows -> Result {
        step.withLock { step in
            step.count += 1
            step.current = ComputeStep(kind: kind, number: step.count, since: .now, session: session, fail: fail)
        }
        defer { step.withLock { $0.current = nil } }
        return try body()
    }

    /// Called first on the thread, and last.
    func threadRuns() {
        // Set by the thread itself, the system's tools show it too.
        Thread.current.name = "window \(layers)"
        let number = shoal_thread_computes()
        var clock: clockid_t?
        #if os(Linux)
            var own = clockid_t()
            if pthread_getcpuclockid(pthread_self(), &own) == 0 { clock = own }
        #endif
        thread.withLock { $0 = (number, clock, false) }
    }

    func threadEnds() {
        thread.withLock { $0 = ($0.number, nil, true) }
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
