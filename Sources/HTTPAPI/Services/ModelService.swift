package import Catalogue
package import Identifiers
package import Inference
import ModelLibrary
package import NodeAPI

/// Models on disk and in memory.
package protocol ModelService: Sendable {
    func models() async throws -> ModelSummaryList
    func storage() async throws -> StorageSummary
    /// What the header of a model says; nil where there is none. Throws `LibraryError`.
    func metadata(of model: ModelID) async throws -> ModelMetadataBody?
    func unload(_ model: ModelID) async throws -> InferenceService.Unloading
    /// Loads a shard that is on disk; the shards that are loaded then.
    func load(_ shard: Int, of model: ModelID) async throws -> [Int]
    /// Unloads a shard; the shards that are still loaded.
    func unload(_ shard: Int, of model: ModelID) async throws -> [Int]
    /// Deletes a model from memory and disk; how many files went. Throws `InferenceError` while sessions use it.
    func remove(_ model: ModelID) async throws -> Int
    /// Deletes a shard from memory and disk. Throws `InferenceError` while sessions use it.
    func remove(_ shard: ShardIndex, of model: ModelID) async throws
    /// Looks at the disk again; the models that changed.
    func rescan() async throws -> [ModelID]
}

extension CatalogueService: ModelService {}
