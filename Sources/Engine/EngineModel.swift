package import GGUF
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
        guard let raced else { return window }
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

    /// Frees a window and ends its sessions.
    ///
    /// - Returns: bytes of weights and cache that were freed; 0 when it was not loaded.
    package func unload(_ layers: LayerRange) -> UInt64 {
        guard let window = windows.withLock({ $0.removeValue(forKey: layers) }) else { return 0 }
        window.unload()
        return window.weightBytes + window.cacheBytes
    }
}
