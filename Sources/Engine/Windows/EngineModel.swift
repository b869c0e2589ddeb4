package import GGUF
package import Identifiers
internal import Synchronization

/// One model in an engine process: its header, its tokenizer, and the windows that are loaded.
package final class EngineModel: Sendable {
    /// How a window is to be loaded; zero and `nil` leave the choice to the engine.
    package struct LoadOptions: Sendable {
        package var contextLength = 0
        package var maximumSequences = 0
        package var chunkLength = 0
        package var threads = 0
        package var gpuLayers = 0
        package var layout: WeightLayout?

        package init() {}
    }

    package let files: GGUFModel
    package let paths: [String]
    package let vocabulary: Vocabulary
    private let windows = Mutex<[LayerRange: Window]>([:])
    /// Unloaded ones whose threads are not done yet.
    private let leaving = Mutex<[Window]>([])
    private let memory = Mutex<(reckoned: [LayerRange: UInt64], others: UInt64, loads: Int)>(([:], 0, 0))
    private let bounds = Mutex<TokenBounds?>(nil)

    private static let defaultContextLength = 8192
    private static let defaultMaximumSequences = 32
    private static let defaultChunkLength = 512

    /// Opens the parts of a model, in order. Their tensors may be missing.
    package init(paths: [String]) throws {
        guard let first = paths.first else {
            throw EngineError(.badRequest, "a model needs one file at least")
        }
        files = try GGUFModel(parts: paths)
        self.paths = paths
        vocabulary = try Vocabulary(path: first)
    }

    package var layerCount: Int { files.layerCount }

    /// How few tokens texts can become, worked out once.
    package var tokenBounds: TokenBounds {
        bounds.withLock { bounds in
            if let bounds { return bounds }
            let made = TokenBounds(vocabulary)
            bounds = made
            return made
        }
    }

    package func window(_ layers: LayerRange) -> Window? {
        windows.withLock { $0[layers] }
    }

    package var loadedWindows: [Window] {
        windows.withLock { Array($0.values) }.sorted { $0.layers < $1.layers }
    }

    /// Loads the layers, or answers with the window that holds them already. Blocks while it reads.
    ///
    /// - Parameter progress: fractions from 0 to 1, on the calling thread.
    package func load(
        _ layers: LayerRange, options: LoadOptions, progress: @escaping @Sendable (Float) -> Void
    ) throws -> Window {
        if let loaded = window(layers) { return loaded }
        let mappedBefore = ResidentMemory.mappedBytes ?? 0
        memory.withLock { $0.loads += 1 }
        defer { memory.withLock { $0.loads -= 1 } }
        guard layers.end <= layerCount else {
            throw EngineError(.badRequest, "the model has \(layerCount) layers, the window is \(layers)")
        }
        var configuration = Window.Configuration()
        configuration.contextLength =
            options.contextLength > 0
            ? options.contextLength : min(files.contextLength ?? Self.defaultContextLength, Self.defaultContextLength)
        configuration.maximumSequences =
            options.maximumSequences > 0 ? options.maximumSequences : Self.defaultMaximumSequences
        let chunkLength = options.chunkLength > 0 ? options.chunkLength : Self.defaultChunkLength
        configuration.chunkLength = min(chunkLength, configuration.contextLength)
        configuration.threads = options.threads > 0 ? options.threads : ProcessorTopology.computingThreads
        configuration.gpuLayers = options.gpuLayers
        configuration.layout =
            options.layout ?? .automatic(weightBytes: weightBytes(of: layers), gpuLayers: options.gpuLayers)
        let holdsBoth = configuration.layout == .both
        let weights = try loadWeights(layers, layout: configuration.layout, gpuLayers: options.gpuLayers) {
            progress(holdsBoth ? $0 / 2 : $0)
        }
        let promptWeights =
            try holdsBoth
            ? loadWeights(layers, layout: .plain, gpuLayers: options.gpuLayers) { progress(0.5 + $0 / 2) } : nil
        let window = try Window(
            weights: weights, promptWeights: promptWeights, layers: layers, layerCount: layerCount,
            vocabulary: vocabulary,
            inputTensor: CutTable.rule(for: files).inputTensor, configuration: configuration)
        let raced = windows.withLock { windows in
            let present = windows[layers]
            if present == nil { windows[layers] = window }
            return present
        }
        guard let raced else {
            reckon(window, growth: (ResidentMemory.mappedBytes ?? 0) - mappedBefore)
            return window
        }
        window.unload()
        return raced
    }

    private func loadWeights(
        _ layers: LayerRange, layout: WeightLayout, gpuLayers: Int, progress: @escaping @Sendable (Float) -> Void
    ) throws -> ModelWeights {
        if layers.first == 0, layers.end == layerCount {
            return try ModelWeights(
                paths: paths, layout: layout, gpuLayers: gpuLayers, progress: progress)
        }
        return try ModelWeights(
            view: WindowView(model: files, layers: layers), layout: layout, gpuLayers: gpuLayers, progress: progress)
    }

    /// About what the weights of some layers take: their share of the whole.
    private func weightBytes(of layers: LayerRange) -> UInt64 {
        files.tensorBytes / UInt64(max(layerCount, 1)) * UInt64(layers.count)
    }

    /// Notes what a window takes that was just loaded.
    private func reckon(_ window: Window, growth: Int) {
        let bytes = MemoryReckoning.window(
            weights: window.weightBytes, cache: window.cacheBytes, growth: UInt64(max(growth, 0)))
        let resident = UInt64(ResidentMemory.bytes ?? 0)
        memory.withLock { memory in
            memory.reckoned[window.layers] = bytes
            let all = memory.reckoned.values.reduce(0, +)
            memory.others = max(memory.others, resident > all ? resident - all : 0)
        }
    }

    /// What the process may take as things are; nil while that cannot be said, as during a load.
    package var memoryReckoning: MemoryReckoning? {
        let windows = runningWindows
        guard !windows.contains(where: { $0.currentStep?.kind == .embedding }) else { return nil }
        // Prompts on their way into a window wait in its memory.
        let waiting = windows.filter { !$0.isFirst }.reduce(UInt64(0)) { sum, window in
            let prompt =
                window.configuration.contextLength * window.weights.embeddingLength * MemoryLayout<Float>.stride
            return sum + UInt64(window.currentStatus.activeSessions * prompt)
        }
        return memory.withLock { memory in
            guard memory.loads == 0 else { return nil }
            let reckoned = windows.reduce(UInt64(0)) {
                $0 + (memory.reckoned[$1.layers] ?? $1.weightBytes + $1.cacheBytes)
            }
            return MemoryReckoning(windows: reckoned + waiting, others: memory.others)
        }
    }

    /// All windows whose threads run, those on their way out included.
    package var runningWindows: [Window] {
        let leaving = leaving.withLock { windows in
            windows.removeAll(where: \.hasEnded)
            return windows
        }
        return loadedWindows + leaving
    }

    /// Frees a window and ends its sessions; its thread may take a while yet.
    ///
    /// - Returns: the window, and bytes of weights and cache that it had; nil when it was not loaded.
    package func unload(_ layers: LayerRange) -> (window: Window, bytes: UInt64)? {
        guard let window = windows.withLock({ $0.removeValue(forKey: layers) }) else { return nil }
        leaving.withLock { $0.append(window) }
        window.unload()
        return (window, window.weightBytes + window.cacheBytes)
    }
}
