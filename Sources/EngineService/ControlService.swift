internal import Dispatch
internal import Engine
internal import Foundation
internal import GGUF
internal import GRPCCore
internal import Identifiers
internal import Link
internal import SwiftProtobuf

/// What the daemon that started this process asks of it, over the Unix socket alone.
struct ControlService: Shoal_V1_EngineControl.SimpleServiceProtocol {
    let opened: OpenedModel
    /// Port of the listener for other engines.
    let port: Int
    /// The sessions that run; nil where there are none.
    var directory: SessionDirectory?

    /// How long the thread of an unloaded window may take to come to the end of what it is at.
    private static let unloadLimit = Duration.seconds(5)

    func openModel(
        request: Shoal_V1_OpenModelRequest, context: ServerContext
    ) async throws -> Shoal_V1_ModelDescription {
        try await rethrowing {
            let model = try await blocking { try opened.open(paths: request.paths) }
            return Shoal_V1_ModelDescription(model)
        }
    }

    func loadWindow(
        request: Shoal_V1_LoadWindowRequest, response: RPCWriter<Shoal_V1_LoadWindowProgress>, context: ServerContext
    ) async throws {
        try await rethrowing {
            let model = try opened.model()
            let layers = try LayerRange(request.layers)
            let options = EngineModel.LoadOptions(request)
            let (fractions, progress) = AsyncStream.makeStream(of: Float.self, bufferingPolicy: .bufferingNewest(1))
            async let loaded = blocking {
                defer { progress.finish() }
                return try model.load(layers, options: options) { progress.yield($0) }
            }
            for await fraction in fractions {
                try await response.write(.with { $0.fraction = fraction })
            }
            let window = try await loaded
            try await response.write(
                .with {
                    $0.fraction = 1
                    $0.loaded = Shoal_V1_WindowStatus(window)
                })
        }
    }

    func unloadWindow(
        request: Shoal_V1_UnloadWindowRequest, context: ServerContext
    ) async throws -> Shoal_V1_UnloadWindowReply {
        try await rethrowing {
            guard let (window, bytes) = try opened.model().unload(LayerRange(request.layers)) else { return .init() }
            let deadline = ContinuousClock.now + Self.unloadLimit
            while !window.hasEnded {
                guard ContinuousClock.now < deadline else {
                    throw RPCError(
                        code: .deadlineExceeded,
                        message: "the thread of window \(window.layers) is stuck in what it computes")
                }
                try await Task.sleep(for: .milliseconds(5))
            }
            return .with { $0.freedBytes = bytes }
        }
    }

    func status(request: Shoal_V1_EngineStatusRequest, context: ServerContext) async throws -> Shoal_V1_EngineStatus {
        .with {
            $0.windows = ((try? opened.model())?.loadedWindows ?? []).map { window in
                var status = Shoal_V1_WindowStatus(window)
                // Those whose streams are open: a thread that is stuck frees nobody.
                if let directory { status.activeSessions = UInt32(directory.sessionCount(in: window)) }
                return status
            }
            $0.residentBytes = UInt64(ResidentMemory.bytes ?? 0)
            $0.engineVersion = LlamaBackEnd.version
            $0.backEnd = LlamaBackEnd.devices.joined(separator: ", ")
            $0.port = UInt32(port)
        }
    }

    func tokenize(request: Shoal_V1_TokenizeRequest, context: ServerContext) async throws -> Shoal_V1_TokenizeReply {
        try await rethrowing {
            let tokens = try await blocking {
                try opened.model().vocabulary.tokens(
                    of: request.text, addSpecial: request.addSpecial, parseSpecial: request.parseSpecial)
            }
            return .with { $0.tokens = tokens }
        }
    }

    func detokenize(
        request: Shoal_V1_DetokenizeRequest, context: ServerContext
    ) async throws -> Shoal_V1_DetokenizeReply {
        try rethrowing {
            let vocabulary = try opened.model().vocabulary
            return .with {
                $0.pieces = request.tokens.map { Data(vocabulary.bytes(of: $0, special: request.special)) }
            }
        }
    }

    func embed(request: Shoal_V1_EmbedRequest, context: ServerContext) async throws -> Shoal_V1_EmbedReply {
        try await rethrowing {
            let model = try opened.model()
            guard let whole = LayerRange(first: 0, end: model.layerCount), let window = model.window(whole) else {
                throw EngineError(.windowUnloaded, "embeddings need all \(model.layerCount) layers loaded on one node")
            }
            guard request.inputs.allSatisfy({ !$0.tokens.isEmpty }) else {
                throw EngineError(.badRequest, "an input has no tokens")
            }
            let outOfVocabulary = request.inputs.joined().first { $0 < 0 || Int($0) >= model.vocabulary.tokenCount }
            if let outOfVocabulary {
                throw EngineError(.badRequest, "token \(outOfVocabulary) is not in the vocabulary")
            }
            let vectors = try await window.embed(request.inputs.map(\.tokens))
            return .with { $0.vectors = vectors.map { vector in .with { $0.values = vector } } }
        }
    }

    /// Runs what reads files or computes on a thread of its own, not on one of the few that serve requests.
    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }

    private func rethrowing<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw RPCError(engine: error) }
    }

    private func rethrowing<Value>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch { throw RPCError(engine: error) }
    }
}

extension [Shoal_V1_TokenizeReply] {
    /// All tokens of all inputs.
    fileprivate func joined() -> [Int32] { flatMap(\.tokens) }
}

extension EngineModel.LoadOptions {
    init(_ request: Shoal_V1_LoadWindowRequest) {
        self.init()
        contextLength = Int(request.contextLength)
        maximumSequences = Int(request.maximumSequences)
        chunkLength = Int(request.chunkLength)
        threads = Int(request.threads)
        gpuLayers = Int(request.gpuLayers)
        layout = WeightLayout(rawValue: request.weightLayout)
    }
}

extension Shoal_V1_ModelDescription {
    /// The names of libllama's `llama_pooling_type`.
    private static let poolings = [1: "mean", 2: "cls", 3: "last", 4: "rank"]

    init(_ model: EngineModel) {
        self.init()
        let files = model.files
        let vocabulary = model.vocabulary
        let ends = vocabulary.writtenEnds
        layerCount = UInt32(files.layerCount)
        vocabularySize = UInt32(vocabulary.tokenCount)
        embeddingLength = UInt32(files.embeddingLength ?? 0)
        trainedContextLength = UInt32(files.contextLength ?? 0)
        architecture = files.architecture
        chatTemplate = files.chatTemplate ?? ""
        beginningOfText = ends.beginning
        endOfText = ends.end
        endOfGenerationTokens = vocabulary.endOfGenerationTokens
        addsBeginningOfText = vocabulary.addsBeginningOfText
        pooling = files.property("pooling_type")?.integer.flatMap { Self.poolings[$0] } ?? "none"
        let rule = CutTable.rule(for: files)
        cutAlignment = rule.wholeOnlyReason == nil ? UInt32(rule.alignment) : 0
        wholeOnlyReason = rule.wholeOnlyReason ?? ""
    }
}

extension Shoal_V1_WindowStatus {
    init(_ window: Window) {
        self.init()
        let status = window.currentStatus
        layers = window.layers.message
        weightBytes = window.weightBytes
        cacheBytes = window.cacheBytes
        contextLength = UInt32(window.configuration.contextLength)
        activeSessions = UInt32(status.activeSessions)
        keptPrefixes = UInt32(status.keptPrefixes)
        usedCells = UInt32(status.usedCells)
        millisecondsPerLayer = status.decodePerLayer.map { $0 / .milliseconds(1) } ?? 0
        promptTokensPerSecond = status.promptTokensPerSecond ?? 0
        weightLayout = window.configuration.layout.rawValue
        chunkLength = UInt32(window.configuration.chunkLength)
    }
}

extension RPCError {
    /// The engine's errors as gRPC's: the one place where they meet.
    init(engine error: any Error) {
        if let error = error as? RPCError {
            self = error
            return
        }
        guard let engine = error as? EngineError else {
            self.init(code: .invalidArgument, message: "\(error)")
            return
        }
        let code: RPCError.Code =
            switch engine.code {
            case .badRequest, .badGrammar: .invalidArgument
            case .unsupported: .unimplemented
            case .outOfMemory, .busy, .contextFull: .resourceExhausted
            case .windowUnloaded: .failedPrecondition
            default: .internalError
            }
        self.init(code: code, message: engine.message)
    }
}
