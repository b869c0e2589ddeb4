import Generation
import Hummingbird
import Identifiers
import Inference
import JSON
import Link

/// `GET /v1/models` and `GET /v1/models/{id}`: the models that can be asked.
struct ModelListRoutes: RouteGroup {
    static let family = APIFamily.openAI

    let services: NodeServices

    func add(to table: inout RouteTable) {
        table.get("/v1/models", .modelRead, handler: list)
        table.get("/v1/models/{id}", .modelRead, handler: show)
    }

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        let models = await services.backend.availableModels().filter(\.isCovered)
        return .json(["object": "list", "data": .array(models.map(\.json))])
    }

    @Sendable private func show(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.pathParameter("id")
        guard let model = await services.backend.availableModels().first(where: { $0.id == id }) else {
            throw APIError.notFound(
                "there is no model \(id.prefix(128))", parameter: "id", hint: "GET /v1/models lists the ids.")
        }
        return .json(model.json)
    }
}

extension AvailableModel {
    /// A `model` object, with what OpenAI's has not under `meta`.
    fileprivate var json: JSONValue {
        [
            "id": .string(id),
            "object": "model",
            "created": .integer(createdUnixSeconds),
            "owned_by": "shoal",
            "meta": [
                "name": .string(name),
                "architecture": .string(architecture),
                "n_ctx": contextLength.map { .integer($0) } ?? .null,
                "layer_count": .integer(layerCount),
                "size": .integer(Int(clamping: totalBytes)),
                "covered": .bool(isCovered),
                "nodes": .array(holders.sorted().map { .string($0.short) }),
            ],
        ]
    }
}
