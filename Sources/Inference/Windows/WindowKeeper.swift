import GGUF
import GRPCCore
import Generation
package import Identifiers
import Link
package import Logging
import SwiftProtobuf
import Synchronization

/// Loads windows on first use and unloads them when memory is needed: the least recently used first, never one in use.
///
/// Loads run one after the other, so that each decision about memory sees the outcome of the one before; several who
/// want the same window share one load.
package actor WindowKeeper {
    /// What happened to a window.
    package enum Change: Sendable {
        case loading(model: String, layers: LayerRange, fraction: Float)
        case loaded(model: String, layers: LayerRange, bytes: UInt64, seconds: Double)
        case unloaded(model: String, layers: LayerRange, freedBytes: UInt64)
        case failed(model: String, layers: LayerRange, message: String)
    }

    /// A window of a model.
    struct Key: Hashable {
        let model: String
        let layers: LayerRange
    }

    private struct LoadedWindow {
        let generation: Int
        let bytes: UInt64
        let uses: UseCount
    }

    /// A load that several may wait for.
    private final class Load: Sendable {
        let observers = Mutex<[@Sendable (Float) -> Void]>([])
        private let work = Mutex<Task<Void, any Error>?>(nil)

        func start(_ body: @escaping @Sendable () async throws -> Void) -> Task<Void, any Error> {
            work.withLock { work in
                let task = Task { try await body() }
                work = task
                return task
            }
        }

        var task: Task<Void, any Error>? { work.withLock { $0 } }

        func report(_ fraction: Float) {
            for observer in observers.withLock({ $0 }) { observer(fraction) }
        }
    }

    /// How long an engine may take to unload a window; it gives up by itself before.
    private static let unloadLimit: Duration = .seconds(8)
    private static let answerLimit: Duration = .seconds(2)

    private let supervisor: EngineSupervisor
    private let settings: InferenceSettings
    private let budgetBytes: UInt64
    private let logger: Logger
    private let onChange: @Sendable (Change) -> Void
    private var windows: [Key: LoadedWindow] = [:]
    private var loads: [Key: Load] = [:]
    /// The end of the queue of loads.
    private var lastLoad: Task<Void, any Error>?

    package init(
        supervisor: EngineSupervisor, settings: InferenceSettings, logger: Logger,
        onChange: @escaping @Sendable (Change) -> Void = { _ in }
    ) {
        self.supervisor = supervisor
        self.settings = settings
        self.logger = logger
        self.onChange = onChange
        budgetBytes = settings.memoryBudgetBytes ?? PhysicalMemory.bytes / 10 * 8
    }

    // MARK: - Use

    /// Makes sure that a window is loaded, and keeps it for as long as the lease lives.
    ///
    /// - Parameter progress: Called with fractions while the window is loaded, from any thread.
    /// - Throws: `InferenceError` with `noCapacity`, `engineMissing` or `engineFailed`.
    package func lease(
        _ layers: LayerRange, of model: ServedModel, progress: (@Sendable (Float) -> Void)? = nil
    ) async throws -> WindowLease {
        let key = Key(model: model.id, layers: layers)
        for _ in 0..<3 {
            if let lease = try await loadedLease(key, paths: model.paths) { return lease }
            try await load(key, of: model, progress: progress)
        }
        throw InferenceError(
            .engineFailed, "the engine of model \(model.id) loses its window \(layers) again and again",
            hint: "the node's log has what the engine said")
    }

    /// Keeps a loaded window a little longer, for a session that another node is about to open.
    package func reserve(_ layers: LayerRange, of model: String, for duration: Duration) {
        windows[Key(model: model, layers: layers)]?.uses.reserve(for: duration)
    }

    /// Windows that are loaded, in order.
    package func loadedWindows(of model: String) -> [LayerRange] {
        windows.keys.filter { $0.model == model }.map(\.layers).sorted()
    }

    /// Windows that are loaded, of all models.
    package var allLoadedWindows: [String: [LayerRange]] {
        var all: [String: [LayerRange]] = [:]
        for key in windows.keys.sorted(by: { $0.layers < $1.layers }) { all[key.model, default: []].append(key.layers) }
        return all
    }

    /// Bytes that loaded windows take.
    package var usedBytes: UInt64 { windows.values.reduce(0) { $0 + $1.bytes } }

    /// Bytes that loaded windows may take together.
    package nonisolated var memoryBudgetBytes: UInt64 { budgetBytes }

    /// Bytes that a new window of a model could take if everything idle made room.
    package var availableBytes: UInt64 {
        let inUse = windows.values.filter { !$0.uses.isIdle }.reduce(0) { $0 + $1.bytes }
        return budgetBytes > inUse ? budgetBytes - inUse : 0
    }

    /// Unloads one window.
    ///
    /// - Returns: Bytes that became free; 0 when it was not loaded.
    /// - Throws: `InferenceError` with `inUse` while sessions run in it.
    package func unload(_ layers: LayerRange, of model: String) async throws -> UInt64 {
        let key = Key(model: model, layers: layers)
        guard let window = windows[key] else { return 0 }
        let sessions = await activeSessions(key)
        guard window.uses.count == 0, sessions == 0 else {
            throw InferenceError(
                .inUse, "layers \(layers) of model \(model) are in use by \(max(sessions, window.uses.count)) sessions",
                hint: "wait until they end, or end them, and try again")
        }
        return await unload(key)
    }

    /// Whether sessions run in windows of a model or such windows are being loaded; only those count that have one of
    /// `layers`.
    package func isInUse(_ layers: LayerRange?, of model: String) async -> Bool {
        if loads.keys.contains(where: { $0.model == model && layers?.overlaps($0.layers) != false }) { return true }
        for (key, window) in windows where key.model == model && layers?.overlaps(key.layers) != false {
            if window.uses.count > 0 { return true }
            if await activeSessions(key) > 0 { return true }
        }
        return false
    }

    /// Forgets windows whose engine has gone.
    package func reconcile() async {
        for (key, window) in windows {
            let connection = await supervisor.existingEngine(model: key.model)?.runningConnection
            if connection?.generation != window.generation, windows[key]?.generation == window.generation {
                windows[key] = nil
            }
        }
    }

    /// Ends the loads that wait or run.
    package func cancelLoads() {
        for load in loads.values { load.task?.cancel() }
    }

    private func loadedLease(_ key: Key, paths: [String]) async throws -> WindowLease? {
        guard let window = windows[key] else { return nil }
        let engine = try await supervisor.engine(model: key.model, paths: paths)
        if let connection = await engine.runningConnection, connection.generation == window.generation {
            // The window may have been unloaded while this waited.
            guard windows[key]?.uses === window.uses else { return nil }
            return WindowLease(connection: connection, layers: key.layers, uses: window.uses)
        }
        if windows[key]?.uses === window.uses { windows[key] = nil }
        return nil
    }

    // MARK: - Loading

    private func load(_ key: Key, of model: ServedModel, progress: (@Sendable (Float) -> Void)?) async throws {
        if let load = loads[key], let task = load.task {
            if let progress { load.observers.withLock { $0.append(progress) } }
            return try await task.value
        }
        let load = Load()
        loads[key] = load
        if let progress { load.observers.withLock { $0.append(progress) } }
        let previous = lastLoad
        let task = load.start { [self] in
            _ = await previous?.result
            do {
                try Task.checkCancellation()
                try await perform(key, of: model, report: load.report)
                await finished(key)
            } catch {
                await finished(key)
                onChange(.failed(model: key.model, layers: key.layers, message: "\(error)"))
                throw error
            }
        }
        lastLoad = task
        try await task.value
    }

    private func finished(_ key: Key) {
        loads[key] = nil
    }

    private func perform(_ key: Key, of model: ServedModel, report: @escaping @Sendable (Float) -> Void) async throws {
        let begin = ContinuousClock.now
        await reconcile()
        try await makeRoom(for: model.windowBytes(key.layers, settings), key)
        let engine = try await supervisor.engine(model: key.model, paths: model.paths)
        let connection = try await engine.connection()
        let request = Shoal_V1_LoadWindowRequest.with {
            $0.layers = .init(key.layers)
            $0.contextLength = UInt32(model.cacheCells(settings))
            $0.maximumSequences = UInt32(settings.maximumSequences)
            $0.chunkLength = UInt32(settings.chunkLength)
            $0.threads = UInt32(settings.threads)
            $0.gpuLayers = Int32(settings.gpuLayers)
            $0.weightLayout = settings.weightLayout
            $0.embeddings = key.layers.count == model.layerCount
        }
        let onChange = self.onChange
        let loaded = try await engine.whileLoading {
            do {
                return try await connection.channel.engine.loadWindow(request) { response in
                    var loaded: Shoal_V1_WindowStatus?
                    var reported: Float = -1
                    for try await progress in response.messages {
                        if progress.hasLoaded { loaded = progress.loaded }
                        guard progress.fraction - reported >= 0.01 || progress.fraction >= 1 else { continue }
                        reported = progress.fraction
                        report(progress.fraction)
                        onChange(.loading(model: key.model, layers: key.layers, fraction: progress.fraction))
                    }
                    return loaded
                }
            } catch let error as RPCError {
                throw InferenceError(
                    error.code == .resourceExhausted ? .noCapacity : .engineFailed,
                    "the engine cannot load layers \(key.layers) of model \(key.model): \(error.message)", cause: error)
            }
        }
        guard let loaded else {
            throw InferenceError(
                .engineFailed,
                "the engine ended the load of layers \(key.layers) of model \(key.model) without a window")
        }
        let bytes = loaded.weightBytes + loaded.cacheBytes
        windows[key] = LoadedWindow(generation: connection.generation, bytes: bytes, uses: UseCount())
        let seconds = begin.duration(to: .now) / .seconds(1)
        logger.info(
            "window loaded",
            metadata: [
                "model": "\(key.model)", "layers": "\(key.layers)", "mib": "\(bytes >> 20)", "seconds": "\(seconds)",
            ])
        onChange(.loaded(model: key.model, layers: key.layers, bytes: bytes, seconds: seconds))
    }

    /// Unloads idle windows, the least recently used first, until `needed` bytes are free.
    private func makeRoom(for needed: UInt64, _ key: Key) async throws {
        let refusal = { (what: String) in
            InferenceError(
                .noCapacity,
                "layers \(key.layers) of model \(key.model) need \(needed >> 20) MiB of memory, and \(what)",
                hint: "unload other models, raise the memory budget, or lower the context length")
        }
        guard needed <= budgetBytes else {
            throw refusal("the budget for all windows is \(self.budgetBytes >> 20) MiB")
        }
        var passedOver: Set<Key> = []
        while usedBytes + needed > budgetBytes {
            let oldest = windows.filter { $0.value.uses.isIdle && !passedOver.contains($0.key) }
                .min { $0.value.uses.lastUse < $1.value.uses.lastUse }
            guard let oldest else {
                throw refusal(
                    "windows in use leave \((self.budgetBytes - min(self.budgetBytes, self.usedBytes)) >> 20) MiB")
            }
            let sessions = await activeSessions(oldest.key)
            guard sessions == 0, windows[oldest.key]?.uses.isIdle == true else {
                passedOver.insert(oldest.key)
                continue
            }
            _ = await unload(oldest.key)
        }
    }

    /// Sessions of any node that run in a window, as its engine says.
    private func activeSessions(_ key: Key) async -> Int {
        guard let connection = await supervisor.existingEngine(model: key.model)?.runningConnection,
            let status = try? await EngineProcess.status(of: connection, within: Self.answerLimit)
        else { return 0 }
        let window = status.windows.first { LayerRange(wire: $0.layers) == key.layers }
        return Int(window?.activeSessions ?? 0)
    }

    private func unload(_ key: Key) async -> UInt64 {
        guard let window = windows.removeValue(forKey: key) else { return 0 }
        guard let engine = supervisor.existingEngine(model: key.model), let connection = await engine.runningConnection,
            connection.generation == window.generation
        else { return window.bytes }
        // One that does not even answer would not unload anything either.
        if await engine.killUnlessAlive(generation: connection.generation, within: Self.answerLimit) {
            await reconcile()
            onChange(.unloaded(model: key.model, layers: key.layers, freedBytes: window.bytes))
            return window.bytes
        }
        let freed: UInt64
        do {
            let reply = try await connection.channel.engine.unloadWindow(
                .with { $0.layers = .init(key.layers) }, options: .within(Self.unloadLimit))
            freed = max(reply.freedBytes, window.bytes)
        } catch {
            logger.warning(
                "the engine does not unload a window and is ended",
                metadata: ["model": "\(key.model)", "layers": "\(key.layers)", "error": "\(error)"])
            // Its memory comes free with the process alone.
            await engine.killUnlessAlive(generation: connection.generation, within: nil)
            await reconcile()
            freed = window.bytes
        }
        logger.info("window unloaded", metadata: ["model": "\(key.model)", "layers": "\(key.layers)"])
        onChange(.unloaded(model: key.model, layers: key.layers, freedBytes: freed))
        return freed
    }
}
