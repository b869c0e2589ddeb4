import Engine
import Foundation
import GGUF
import Generation
import Identifiers
import Synchronization

/// Windows of one model in this process, linked as segments on several machines would be.
struct WindowChain: Sendable {
    let model: EngineModel
    let windows: [Window]

    /// Everything one session gave.
    struct Result: Sendable, Equatable {
        var tokens: [Int32] = []
        var logProbabilities: [Float] = []
        var text: [UInt8] = []
        var promptLogProbabilities: [Float?] = []
        var summary: SessionSummary?
        var reusedTokens = 0
    }

    /// - Parameter cuts: layers at which a new window begins.
    init(path: String, cuts: [Int] = [], options: EngineModel.LoadOptions = .init()) throws {
        model = try EngineModel(paths: [path])
        let edges = [0] + cuts + [model.layerCount]
        windows = try zip(edges, edges.dropFirst()).map { [model] first, end in
            guard let layers = LayerRange(first: first, end: end) else {
                throw EngineError(.badRequest, "no window \(first)..<\(end)")
            }
            return try model.load(layers, options: options) { _ in }
        }
    }

    /// Runs `body`, then unloads the windows.
    static func with<Value>(
        path: String, cuts: [Int] = [], options: EngineModel.LoadOptions = .init(),
        _ body: (WindowChain) async throws -> Value
    ) async throws -> Value {
        let chain = try WindowChain(path: path, cuts: cuts, options: options)
        defer { for window in chain.windows { window.unload() } }
        return try await body(chain)
    }

    /// Runs a session to its end.
    func run(
        _ text: String, maximumTokens: Int = 16, cachePrompt: Bool = false, promptLogProbabilities: Bool = false,
        sampling change: (inout SamplerOptions) -> Void = { _ in },
        onToken: @escaping @Sendable (SessionID) -> Void = { _ in }
    ) async throws -> Result {
        let prompt = try model.vocabulary.tokens(of: text, addSpecial: true, parseSpecial: true)
        return try await run(
            prompt: prompt, maximumTokens: maximumTokens, cachePrompt: cachePrompt,
            promptLogProbabilities: promptLogProbabilities, sampling: change, onToken: onToken)
    }

    func run(
        prompt: [Int32], maximumTokens: Int = 16, cachePrompt: Bool = false, adapters: AdapterSet = .none,
        producedTokens: Int = 0,
        promptLogProbabilities: Bool = false, sampling change: (inout SamplerOptions) -> Void = { _ in },
        onToken: @escaping @Sendable (SessionID) -> Void = { _ in }
    ) async throws -> Result {
        var sampler = SamplerOptions()
        sampler.sampling.temperature = 0
        sampler.topLogProbabilities = 2
        change(&sampler)
        var generator = SystemRandomNumberGenerator()
        guard let id = SessionID((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }) else {
            throw EngineError(.badRequest, "no session id")
        }
        let request = SessionRequest(
            id: id, prompt: prompt, cachePrompt: cachePrompt, adapters: adapters, sampler: sampler,
            maximumTokens: maximumTokens,
            producedTokens: producedTokens, promptLogProbabilities: promptLogProbabilities)
        let streams = windows.map { _ in AsyncStream.makeStream(of: SessionEvent.self) }
        for (index, window) in windows.enumerated() {
            let next = windows.indices.contains(index + 1) ? windows[index + 1] : nil
            let first = windows[0]
            window.open(
                request,
                outputs: SessionOutputs(
                    event: { streams[index].continuation.yield($0) },
                    hiddenStates: { next?.receive($0) },
                    nextToken: { first.receive($0) }))
        }
        defer { for window in windows { window.close(id) } }
        var iterators = streams.map { $0.stream.makeAsyncIterator() }
        var reusable = Int.max
        for index in iterators.indices {
            switch await iterators[index].next() {
            case .opened(let tokens): reusable = min(reusable, tokens)
            case .failed(let error): throw error
            default: throw EngineError(.badRequest, "a session has to begin with `opened`")
            }
        }
        // Later windows first, so that they are ready when states come.
        for window in windows.reversed() { window.start(id, reusedTokens: reusable) }
        var result = Result()
        result.reusedTokens = reusable
        while let event = await iterators[windows.count - 1].next() {
            switch event {
            case .token(let sampled, let bytes, _):
                result.tokens.append(sampled.token)
                if let value = sampled.logProbability { result.logProbabilities.append(value) }
                result.text += bytes
                onToken(id)
            case .prompt(_, let probabilities):
                result.promptLogProbabilities += probabilities.map(\.logProbability)
            case .finished(let summary):
                result.summary = summary
                return result
            case .failed(let error): throw error
            case .opened: continue
            }
        }
        return result
    }
}

/// The small trained model of the repository.
enum DemoModel {
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Models/demo/shoal-demo.gguf").path

    /// A question in the model's chat format.
    static func question(_ text: String) -> String {
        "<|im_start|>user\n\(text)<|im_end|>\n<|im_start|>assistant\n"
    }
}
