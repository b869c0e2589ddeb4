package import Generation

extension InferenceService: GenerationBackend, Tokenizer {
    package func readiness(for model: String, _ work: GenerationWork) async -> BackendReadiness {
        guard let known = await availableModels().first(where: { $0.id == model }) else { return .unready }
        switch work {
        case .generation: return known.isCovered ? .ready : .unready
        // Embedding needs the whole model in one place.
        case .embedding: return known.heldShards.count == known.shardCount ? .ready : .unready
        }
    }
}
