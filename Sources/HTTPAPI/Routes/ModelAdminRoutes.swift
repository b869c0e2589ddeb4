import ChatTemplate
import Hummingbird
import ModelLibrary

/// `/api/admin/*` that concerns models and their shards.
struct ModelAdminRoutes: Sendable {
    /// The index that stands for a vision encoder, which is no shard that could be loaded.
    private static let visionEncoderIndex = 4_294_967_295

    let services: NodeServices

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
        .json(.array(try await services.models.summaries().map(\.json)))
    }

    @Sendable private func metadata(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.pathParameter("id")
        guard let model = ModelID(id), let header = try await services.models.metadata(id) else {
            throw APIError.invalidRequest("there is no header of model \(id.prefix(128)) here", parameter: "id")
        }
        return try .json(encoding: ModelMetadata(id: model, model: header))
    }

    @Sendable private func unload(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.pathParameter("id")
        let unloading = try await services.models.unload(id)
        return .json([
            "status": "unloaded",
            "model_id": .string(id),
            "model_name": .string(unloading.modelName),
            "segments_removed": .integer(unloading.windowsRemoved),
            "estimated_freed_mb": .integer(unloading.freedBytes >> 20),
        ])
    }

    @Sendable private func loadShard(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = try Self.shard(context)
        let loaded = try await services.models.loadShard(id, index)
        return .json([
            "status": "loaded", "model_id": .string(id), "shard_index": .integer(index),
            "loaded_shards": .array(loaded.map { .integer($0) }),
        ])
    }

    @Sendable private func unloadShard(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = try Self.shard(context)
        let remaining = try await services.models.unloadShard(id, index)
        return .json([
            "status": "unloaded", "model_id": .string(id), "shard_index": .integer(index),
            "remaining_loaded": .array(remaining.map { .integer($0) }),
        ])
    }

    @Sendable private func remove(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.pathParameter("id")
        let count = try await services.models.remove(id)
        return .json(["status": "deleted", "model_id": .string(id), "files_removed": .integer(count)])
    }

    @Sendable private func removeShard(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = try Self.shard(context)
        try await services.models.removeShard(id, index)
        return .json(["status": "deleted", "model_id": .string(id), "shard_index": .integer(index)])
    }

    @Sendable private func rescan(_ request: Request, context: APIRequestContext) async throws -> Response {
        let updated = try await services.models.rescan()
        return .json([
            "status": "ok", "models_updated": .array(updated.map { .string($0) }), "count": .integer(updated.count),
        ])
    }

    private static func shard(_ context: APIRequestContext) throws(APIError) -> (id: String, index: Int) {
        let id = try context.pathParameter("id")
        let text = try context.pathParameter("index")
        guard let index = Int(text), (0..<visionEncoderIndex).contains(index) else {
            throw .invalidRequest("\(text.prefix(64)) is no index of a shard", parameter: "index")
        }
        return (id, index)
    }
}
