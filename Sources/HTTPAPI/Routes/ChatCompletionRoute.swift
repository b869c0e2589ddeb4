import Generation
import Hummingbird
import Inference

/// `POST /v1/chat/completions`.
struct ChatCompletionRoute: RouteGroup {
    static let family = APIFamily.openAI

    let answering: GenerationAnswering

    func add(to table: inout RouteTable) {
        table.post("/v1/chat/completions", .user, handler: answer)
    }

    @Sendable private func answer(_ request: Request, context: APIRequestContext) async throws -> Response {
        let configuration = answering.configuration
        let body = try await request.json(limitBytes: configuration.bodyLimitBytes)
        let chat = try ChatCompletionRequest(body, maximumChoices: configuration.maximumChoices)
        let head = answering.head("chatcmpl", model: chat.generation.model, context: context)
        let requests = chat.generation.repeated(chat.choices)
        let includesLogProbabilities = chat.generation.topLogProbabilities != nil
        if chat.stream.isStreamed {
            let renderer = ChatChunkRenderer(
                head: head, includesUsage: chat.stream.includesUsage,
                includesLogProbabilities: includesLogProbabilities,
                allowsParallelToolCalls: chat.allowsParallelToolCalls)
            return try await answering.stream(requests, renderer: renderer, context: context)
        }
        let choices = try await answering.collect(requests, context: context)
        let answer = CompletedAnswer.chat(
            choices, head: head, includesLogProbabilities: includesLogProbabilities,
            allowsParallelToolCalls: chat.allowsParallelToolCalls)
        return answering.response(answer, choices: choices)
    }
}
