import Generation
import Hummingbird
import Inference

/// `POST /v1/completions`.
struct CompletionRoute: RouteGroup {
    static let family = APIFamily.openAI

    let answering: GenerationAnswering

    func add(to table: inout RouteTable) {
        table.post("/v1/completions", .user, handler: answer)
    }

    @Sendable private func answer(_ request: Request, context: APIRequestContext) async throws -> Response {
        let configuration = answering.configuration
        let body = try await request.json(limitBytes: configuration.bodyLimitBytes)
        let completion = try CompletionRequest(body, maximumChoices: configuration.maximumChoices)
        let head = answering.head("cmpl", model: completion.generations[0].model, context: context)
        let requests = completion.generations.flatMap { $0.repeated(completion.choices) }
        let includesLogProbabilities = completion.generations[0].topLogProbabilities != nil
        if completion.stream.isStreamed {
            let renderer = CompletionChunkRenderer(
                head: head, includesUsage: completion.stream.includesUsage,
                includesLogProbabilities: includesLogProbabilities, choicesPerPrompt: completion.choices)
            return try await answering.stream(requests, renderer: renderer, context: context)
        }
        let choices = try await answering.collect(requests, context: context)
        let answer = CompletedAnswer.completion(
            choices, head: head, includesLogProbabilities: includesLogProbabilities,
            choicesPerPrompt: completion.choices)
        return answering.response(answer, choices: choices)
    }
}
