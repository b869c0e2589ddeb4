import Generation
import Hummingbird
import Inference
import NIOCore

/// `POST /v1/embeddings`.
struct EmbeddingsRoute: RouteGroup {
    static let family = APIFamily.openAI

    let services: NodeServices
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.post("/v1/embeddings", .user, handler: answer)
    }

    @Sendable private func answer(_ request: Request, context: APIRequestContext) async throws -> Response {
        let body = try await request.json(limitBytes: configuration.bodyLimitBytes)
        let embeddings = try EmbeddingsRequest(body)
        let backend = services.backend
        let embedding = EmbeddingRequest(
            model: embeddings.model, inputs: embeddings.inputs, share: configuration.shares.share(of: context.caller))
        let results = try await withClientPresent(
            try await context.clientConnection(), timeout: configuration.requestTimeout,
            shutdownGracePeriod: configuration.shutdownGracePeriod
        ) {
            try await backend.embed(embedding)
        }
        if let wanted = embeddings.dimensions, let made = results.first?.vector.count, made != wanted {
            throw APIError.invalidRequest(
                "dimensions must be \(made), the length of this model's vectors, and is \(wanted)",
                parameter: "dimensions")
        }
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: Self.body(results, request: embeddings)))
    }

    private static func body(_ results: [EmbeddingResult], request: EmbeddingsRequest) -> ByteBuffer {
        var json = JSONText()
        json.raw("{\"object\":\"list\",\"data\":")
        json.array(results.enumerated()) { json, result in
            json.raw("{\"object\":\"embedding\",\"index\":\(result.offset),\"embedding\":")
            switch request.encoding {
            case .float: json.array(result.element.vector) { $0.number($1) }
            case .base64: json.string(Base64.encode(result.element.vector))
            }
            json.raw("}")
        }
        json.raw(",\"model\":")
        json.string(request.model)
        let tokens = results.reduce(0) { $0 + $1.tokenCount }
        json.raw(",\"usage\":{\"prompt_tokens\":\(tokens),\"total_tokens\":\(tokens)}}")
        return json.buffer
    }
}
