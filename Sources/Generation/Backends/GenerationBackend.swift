/// Something that answers requests: the own swarm, the workers of a cluster.
package protocol GenerationBackend: Sendable {
    /// What it can do now about a model.
    func readiness(for model: String, _ work: GenerationWork) async -> BackendReadiness

    /// Starts a generation.
    ///
    /// - Returns: Its events. Ending their iteration ends the work.
    /// - Throws: `InferenceError` when it cannot start; what happens later is thrown by the stream.
    func generate(_ request: GenerationRequest) async throws -> GenerationStream

    /// The vectors of some texts, in their order.
    ///
    /// - Throws: `InferenceError`.
    func embed(_ request: EmbeddingRequest) async throws -> [EmbeddingResult]

    /// The models that it knows, whether or not it can answer for them now.
    func availableModels() async -> [AvailableModel]
}

/// What is asked of a back end.
package enum GenerationWork: Sendable {
    case generation
    case embedding
}

/// What a back end can do about a model.
package enum BackendReadiness: Sendable, Comparable {
    /// Nothing, or it cannot say.
    case unready
    /// Nothing now, but it could a moment ago and may again.
    case away
    case ready
}
