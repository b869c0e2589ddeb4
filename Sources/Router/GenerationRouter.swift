package import Generation

/// Decides which back end answers, where several may.
///
/// The first is asked wherever no other can do what it cannot: it knows why a model is not to be had.
package struct GenerationRouter: GenerationBackend {
    private let first: any GenerationBackend
    private let others: [any GenerationBackend]

    package init(_ first: any GenerationBackend, _ others: any GenerationBackend...) {
        self.first = first
        self.others = others
    }

    package func readiness(for model: String, _ work: GenerationWork) async -> BackendReadiness {
        await choice(for: model, work).readiness(for: model, work)
    }

    package func generate(_ request: GenerationRequest) async throws -> GenerationStream {
        try await choice(for: request.model, .generation).generate(request)
    }

    package func embed(_ request: EmbeddingRequest) async throws -> [EmbeddingResult] {
        try await choice(for: request.model, .embedding).embed(request)
    }

    /// The models of all back ends by id. Of a model that several have, the first one tells that can run it; otherwise the last.
    package func availableModels() async -> [AvailableModel] {
        var models = await first.availableModels()
        for other in others {
            let covered = Set(models.filter(\.isCovered).map(\.id))
            let theirs = await other.availableModels().filter { !covered.contains($0.id) }
            let replaced = Set(theirs.map(\.id))
            models = models.filter { !replaced.contains($0.id) } + theirs
        }
        return others.isEmpty ? models : models.sorted { $0.id < $1.id }
    }

    /// The back end that is readiest; of equally ready ones the earliest.
    private func choice(for model: String, _ work: GenerationWork) async -> any GenerationBackend {
        var candidates: [(backend: any GenerationBackend, readiness: BackendReadiness)] = []
        for other in others {
            let readiness = await other.readiness(for: model, work)
            if readiness > .unready { candidates.append((other, readiness)) }
        }
        // What the first one can do takes longer to find out.
        guard let best = candidates.max(by: { $0.readiness < $1.readiness }),
            await first.readiness(for: model, work) < best.readiness
        else { return first }
        return candidates.first { $0.readiness == best.readiness }?.backend ?? first
    }
}
