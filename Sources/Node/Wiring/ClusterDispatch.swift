import Cluster
import Identifiers
import Inference
import Link

/// Serves what the own swarm can, and sends what only workers can to them.
struct ClusterDispatch: Sendable {
    let inference: InferenceService
    let cluster: ClusterMaster

    func generate(_ request: GenerationRequest) async throws -> GenerationStream {
        guard await isForWorkers(request.model, where: \.isCovered) else {
            return try await inference.generate(request)
        }
        return try await cluster.generate(request)
    }

    func embed(model: String, inputs: [EmbeddingInput], share: Share) async throws -> [EmbeddingResult] {
        // Embedding needs the whole model in one place.
        guard await isForWorkers(model, where: { $0.heldShards.count == $0.shardCount }) else {
            return try await inference.embed(model: model, inputs: inputs, share: share)
        }
        return try await cluster.embed(model: model, inputs: inputs)
    }

    /// The models of the swarm, and those that workers have in its place.
    func availableModels() async -> [AvailableModel] {
        let own = await inference.availableModels()
        let covered = Set(own.filter(\.isCovered).map(\.id))
        let theirs = cluster.models().filter { !covered.contains($0.model.id) }
        guard !theirs.isEmpty else { return own }
        let replaced = Set(theirs.map(\.model.id))
        return (own.filter { !replaced.contains($0.id) } + theirs.map { AvailableModel($0.model, workers: $0.nodes) })
            .sorted { $0.id < $1.id }
    }

    /// Whether a worker has to do it, because the own swarm cannot. One that is gone may come back: meanwhile the model is not unknown, but has
    /// nobody to run it.
    private func isForWorkers(_ model: String, where isOwn: (AvailableModel) -> Bool) async -> Bool {
        guard cluster.serves(model) || cluster.misses(model) else { return false }
        return await !inference.availableModels().contains { $0.id == model && isOwn($0) }
    }
}

extension AvailableModel {
    fileprivate init(_ model: WorkerModel, workers: [NodeID]) {
        self.init(
            id: model.id, name: model.name, createdUnixSeconds: model.createdUnixSeconds,
            architecture: model.architecture, layerCount: model.layerCount, shardCount: model.shardCount,
            totalBytes: model.totalBytes, contextLength: model.contextLength, isCovered: true, missingLayers: [],
            heldShards: [], holders: workers, loadedWindows: [])
    }
}
