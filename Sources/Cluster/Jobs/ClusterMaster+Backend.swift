package import Generation
import Identifiers

extension ClusterMaster: GenerationBackend {
    /// A worker that is gone may come back: meanwhile its models are not unknown, but have nobody to run them.
    package func readiness(for model: String, _ work: GenerationWork) -> BackendReadiness {
        if serves(model) { return .ready }
        return misses(model) ? .away : .unready
    }

    /// The models that workers have.
    package func availableModels() -> [AvailableModel] {
        models().map { model, nodes in
            AvailableModel(
                id: model.id, name: model.name, createdUnixSeconds: model.createdUnixSeconds,
                architecture: model.architecture, layerCount: model.layerCount, shardCount: model.shardCount,
                totalBytes: model.totalBytes, contextLength: model.contextLength, isCovered: true, missingLayers: [],
                heldShards: [], holders: nodes, loadedWindows: [])
        }
    }
}
