import Catalogue
import Identifiers
import ModelLibrary
import NodeAPI

@testable import HTTPAPI
@testable import Inference

/// The models of a scripted node.
struct ScriptedModels: ModelService {
    var calls: RecordedCalls?
    var list: @Sendable () async throws -> ModelSummaryList = { ModelSummaryList([ScriptedNode.summary]) }
    var storing: @Sendable () async throws -> StorageSummary = { ScriptedNode.storage }
    var header: @Sendable (ModelID) async throws -> ModelMetadataBody? = { _ in nil }
    var loading: @Sendable (Int) async throws -> [Int] = { [$0] }
    var rescanning: @Sendable () async throws -> [ModelID] = { [ScriptedNode.model("demo")] }

    func models() async throws -> ModelSummaryList { try await list() }
    func storage() async throws -> StorageSummary { try await storing() }
    func rescan() async throws -> [ModelID] { try await rescanning() }

    func metadata(of model: ModelID) async throws -> ModelMetadataBody? {
        calls?.add("metadata \(model)")
        return try await header(model)
    }

    func unload(_ model: ModelID) async throws -> InferenceService.Unloading {
        calls?.add("unload \(model)")
        return InferenceService.Unloading(modelName: "Demo", windowsRemoved: 2, freedBytes: 5 << 20)
    }

    func load(_ shard: Int, of model: ModelID) async throws -> [Int] {
        calls?.add("load \(model) \(shard)")
        return try await loading(shard)
    }

    func unload(_ shard: Int, of model: ModelID) async throws -> [Int] {
        calls?.add("unload \(model) \(shard)")
        return []
    }

    func remove(_ model: ModelID) async throws -> Int {
        calls?.add("remove \(model)")
        return 2
    }

    func remove(_ shard: ShardIndex, of model: ModelID) async throws { calls?.add("remove \(model) \(shard)") }
}
