import Catalogue
import Hummingbird
import Identifiers
import Inference
import JSON
import ModelLibrary
import NodeAPI

/// `/api/admin/*` that concerns models in this node's memory and on its disk.
struct ModelAdminRoutes: RouteGroup {
    static let family = APIFamily.node

    let services: NodeServices
    private let rendered = RenderedModels()

    init(services: NodeServices) { self.services = services }

    func add(to table: inout RouteTable) {
        table.get("/api/admin/models", .openRead, handler: list)
        table.get("/api/admin/models/{id}/metadata", .openRead, handler: metadata)
        table.delete("/api/admin/models/{id}", .administrator, handler: remove)
        table.delete("/api/admin/models/{id}/shards/{index}", .administrator, handler: removeShard)
        table.post("/api/admin/models/{id}/unload", .administrator, handler: unload)
        table.post("/api/admin/models/{id}/shards/{index}/load", .administrator, handler: loadShard)
        table.post("/api/admin/models/{id}/shards/{index}/unload", .administrator, handler: unloadShard)
        table.post("/api/admin/rescan-shards", .administrator, handler: rescan)
    }

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        await rendered.response(try await services.models.models(), to: request.headers)
    }

    @Sendable private func metadata(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        guard let header = try await services.models.metadata(of: id) else {
            throw APIError.invalidRequest("there is no header of model \(id) here", parameter: "id")
        }
        return try .json(encoding: header)
    }

    @Sendable private func unload(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        let unloading = try await services.models.unload(id)
        return try .json(
            encoding: UnloadedModelBody(
                modelId: id.rawValue, modelName: unloading.modelName, segmentsRemoved: unloading.windowsRemoved,
                estimatedFreedMb: Int(clamping: unloading.freedBytes >> 20)))
    }

    @Sendable private func loadShard(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = (try context.modelID(), try context.shardIndex())
        let loaded = try await services.models.load(index.rawValue, of: id)
        return try .json(
            encoding: LoadedShardBody(modelId: id.rawValue, shardIndex: index.rawValue, loadedShards: loaded))
    }

    @Sendable private func unloadShard(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = (try context.modelID(), try context.shardIndex())
        let remaining = try await services.models.unload(index.rawValue, of: id)
        return try .json(
            encoding: UnloadedShardBody(
                modelId: id.rawValue, shardIndex: index.rawValue, remainingLoaded: remaining))
    }

    @Sendable private func remove(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        let count = try await services.models.remove(id)
        return .json(["status": "deleted", "model_id": .string(id.rawValue), "files_removed": .integer(count)])
    }

    @Sendable private func removeShard(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = (try context.modelID(), try context.shardIndex())
        try await services.models.remove(index, of: id)
        return .json([
            "status": "deleted", "model_id": .string(id.rawValue), "shard_index": .integer(index.rawValue),
        ])
    }

    @Sendable private func rescan(_ request: Request, context: APIRequestContext) async throws -> Response {
        let updated = try await services.models.rescan()
        return .json([
            "status": "ok", "models_updated": .array(updated.map { .string($0.rawValue) }),
            "count": .integer(updated.count),
        ])
    }
}
