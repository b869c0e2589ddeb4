import Foundation
import GGUF
import Identifiers
import Logging

@testable import Engine

/// Consecutive windows of a model in one process, and the hidden states handed from each to the next.
final class ContextChain {
    private let windows: [WindowContext]

    /// Silences libllama, which else describes every model it loads.
    private static let quiet: Void = {
        var logger = Logger(label: "libllama")
        logger.logLevel = .critical
        LlamaBackEnd.start(logger: logger)
    }()

    /// Loads one window per element of `windows`, which together are all layers.
    init(model: GGUFModel, windows: [LayerRange]) throws {
        Self.quiet
        var configuration = Window.Configuration()
        configuration.contextLength = 128
        configuration.chunkLength = 64
        configuration.maximumSequences = 1
        self.windows = try windows.map { layers in
            let view = try WindowView(model: model, layers: layers)
            let weights = try ModelWeights(
                view: view, layout: configuration.layout, gpuLayers: 0, progress: { _ in })
            return try WindowContext(
                weights: weights,
                edges: WindowContext.Edges(
                    capturedLayer: layers.end == model.layerCount ? nil : layers.count - 1,
                    inputTensor: layers.first == 0 ? nil : view.rule.inputTensor),
                configuration: configuration)
        }
    }

    /// Runs `tokens` through all windows, as one batch that continues what ran before.
    /// - Returns: the bit patterns of each token's logits, one token after the other.
    func logits(of tokens: [Int32], from position: Int) throws -> [UInt32] {
        var states = Data()
        for (number, window) in windows.enumerated() {
            window.beginBatch()
            let computed: WindowContext.Outcome = states.withUnsafeBytes { raw in
                let rows = raw.bindMemory(to: Float.self)
                for (index, token) in tokens.enumerated() {
                    var row = WindowContext.Row.token(token)
                    if number > 0, let base = rows.baseAddress {
                        row = .hidden(base + index * window.embeddingLength)
                    }
                    window.add(row, position: position + index, sequence: 0, output: true)
                }
                return window.compute(tokens: number == 0)
            }
            guard case .done = computed else {
                throw EngineError(.computeFailed, "window \(number) of \(windows.count) failed: \(computed)")
            }
            if number < windows.count - 1 { states = window.hiddenStates(ofRows: 0..<tokens.count) }
        }
        guard let last = windows.last else { return [] }
        return try tokens.indices.flatMap { row in
            guard let logits = last.logits(ofRow: row) else {
                throw EngineError(.computeFailed, "the last window gave no logits for row \(row)")
            }
            return UnsafeBufferPointer(start: logits, count: last.vocabularySize).map(\.bitPattern)
        }
    }
}
