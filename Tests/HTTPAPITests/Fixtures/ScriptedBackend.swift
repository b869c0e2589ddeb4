import Generation

/// Answers as the test says; it has one model, whose vectors are always the same.
struct ScriptedBackend: GenerationBackend {
    let script: @Sendable (GenerationRequest) async throws -> GenerationStream

    init(generate script: @escaping @Sendable (GenerationRequest) async throws -> GenerationStream) {
        self.script = script
    }

    func readiness(for model: String, _ work: GenerationWork) -> BackendReadiness { .ready }

    func generate(_ request: GenerationRequest) async throws -> GenerationStream { try await script(request) }

    func embed(_ request: EmbeddingRequest) -> [EmbeddingResult] {
        request.inputs.map { _ in EmbeddingResult(vector: [0.5, -0.25, 1], tokenCount: 3) }
    }

    func availableModels() -> [AvailableModel] { [ScriptedNode.model] }
}

/// Every byte is a token.
struct ByteTokenizer: Tokenizer {
    func tokenize(model: String, text: String, addSpecial: Bool, parseSpecial: Bool, share: Share) -> [Int32] {
        text.utf8.map { Int32($0) }
    }

    func detokenize(model: String, tokens: [Int32], share: Share) -> [[UInt8]] {
        tokens.map { [UInt8(truncatingIfNeeded: $0)] }
    }
}
