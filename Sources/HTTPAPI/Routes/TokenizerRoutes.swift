import Generation
import Hummingbird
import Inference
import JSON

/// `POST /tokenize` and `POST /detokenize`, as llama-server has them.
struct TokenizerRoutes: RouteGroup {
    static let family = APIFamily.openAI

    let services: NodeServices
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.post("/tokenize", .user, handler: tokenize)
        table.post("/detokenize", .user, handler: detokenize)
    }

    @Sendable private func tokenize(_ request: Request, context: APIRequestContext) async throws -> Response {
        let share = configuration.shares.share(of: context.caller)
        let body = try TokenizeRequest(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let model = try await chosen(body.model)
        let tokens = try await services.tokenizer.tokenize(
            model: model, text: body.content, addSpecial: body.addsSpecialTokens,
            parseSpecial: body.parsesSpecialTokens,
            share: share)
        guard body.withPieces else { return .json(["tokens": .array(tokens.map { .integer(Int($0)) })]) }
        let pieces = try await services.tokenizer.detokenize(model: model, tokens: tokens, share: share)
        let pairs = zip(tokens, pieces).map { token, bytes -> JSONValue in
            // A piece that is no whole UTF-8 is given as its bytes.
            let piece =
                String(validating: bytes, as: UTF8.self).map { JSONValue.string($0) }
                ?? .array(bytes.map { .integer(Int($0)) })
            return ["id": .integer(Int(token)), "piece": piece]
        }
        return .json(["tokens": .array(pairs)])
    }

    @Sendable private func detokenize(_ request: Request, context: APIRequestContext) async throws -> Response {
        let share = configuration.shares.share(of: context.caller)
        let body = try DetokenizeRequest(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let model = try await chosen(body.model)
        let pieces = try await services.tokenizer.detokenize(model: model, tokens: body.tokens, share: share)
        return .json(["content": .string(String(decoding: pieces.flatMap { $0 }, as: UTF8.self))])
    }

    /// The model that was named; llama-server's clients name none, which will do where there is only one.
    private func chosen(_ model: String?) async throws -> String {
        if let model { return model }
        let models = await services.backend.availableModels()
        guard models.count == 1 else {
            throw APIError.invalidRequest(
                "model is missing, and there are \(models.count) models to choose from", parameter: "model",
                hint: "GET /v1/models lists the ids.")
        }
        return models[0].id
    }
}
