import Generation
import Inference
import NIOCore

/// Writes `chat.completion.chunk` events.
struct ChatChunkRenderer: AnswerRenderer {
    let family = APIFamily.openAI

    /// `data: {"id":…,"choices":[{"index":`: the same in every chunk, so made once.
    private let prefix: String
    private let includesUsage: Bool
    private let includesLogProbabilities: Bool
    private let allowsParallelToolCalls: Bool
    private var results: [GenerationResult] = []

    init(
        head: AnswerHead, includesUsage: Bool, includesLogProbabilities: Bool, allowsParallelToolCalls: Bool
    ) {
        var json = JSONText()
        json.raw("data: {\"id\":")
        json.string(head.identifier)
        json.raw(",\"object\":\"chat.completion.chunk\",\"created\":\(head.createdUnixSeconds),\"model\":")
        json.string(head.model)
        json.raw(",\"system_fingerprint\":")
        json.string(head.fingerprint)
        json.raw(",\"choices\":[")
        prefix = String(buffer: json.buffer)
        self.includesUsage = includesUsage
        self.includesLogProbabilities = includesLogProbabilities
        self.allowsParallelToolCalls = allowsParallelToolCalls
    }

    mutating func render(_ event: GenerationEvent, choice: Int, into json: inout JSONText) {
        switch event {
        case .started:
            chunk(choice, into: &json) { $0.raw("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null") }
        case .text(let text, let tokens):
            let showsTokens = includesLogProbabilities && !tokens.isEmpty
            guard !text.isEmpty || showsTokens else { return }
            chunk(choice, tokens: showsTokens ? tokens : nil, into: &json) { json in
                json.raw("\"content\":")
                json.string(text)
            }
        case .reasoning(let text):
            guard !text.isEmpty else { return }
            chunk(choice, into: &json) { json in
                json.raw("\"reasoning_content\":")
                json.string(text)
            }
        case .toolCall(let delta):
            guard allowsParallelToolCalls || delta.index == 0 else { return }
            chunk(choice, into: &json) { $0.toolCall(delta) }
        case .rerouted(let reason, let route): renderReroute(reason: reason, route: route, into: &json)
        case .finished(let result): renderFinish(result, choice: choice, into: &json)
        }
    }

    mutating func renderEnd(into json: inout JSONText) {
        if includesUsage {
            json.raw(prefix)
            json.raw("],\"usage\":")
            json.usage(AnswerUsage(results, choicesPerPrompt: max(1, results.count)))
            json.raw("}\n\n")
        }
        json.raw("data: [DONE]\n\n")
    }

    private mutating func renderFinish(_ result: GenerationResult, choice: Int, into json: inout JSONText) {
        results.append(result)
        json.raw(prefix)
        json.raw(
            "{\"index\":\(choice),\"delta\":{},\"logprobs\":null,\"finish_reason\":\"\(result.finishReason.rawValue)\"}]"
        )
        if includesUsage { json.raw(",\"usage\":null") }
        json.raw(",\"timings\":")
        json.timings(result)
        json.raw(",\"route\":")
        json.route(result.route)
        json.raw("}\n\n")
    }

    private func chunk(
        _ choice: Int, tokens: [TokenInfo]? = nil, into json: inout JSONText, delta: (inout JSONText) -> Void
    ) {
        json.raw(prefix)
        json.raw("{\"index\":")
        json.integer(choice)
        json.raw(",\"delta\":{")
        delta(&json)
        json.raw("},\"logprobs\":")
        if let tokens { json.chatLogProbabilities(tokens) } else { json.raw("null") }
        json.raw(includesUsage ? ",\"finish_reason\":null}],\"usage\":null}\n\n" : ",\"finish_reason\":null}]}\n\n")
    }
}

extension JSONText {
    /// One piece of a tool call, as the member of a `delta`. The first piece of a call has its id and name.
    fileprivate mutating func toolCall(_ delta: ToolCallDelta) {
        raw("\"tool_calls\":[{\"index\":")
        integer(delta.index)
        if let name = delta.name {
            raw(",\"id\":")
            string(delta.id)
            raw(",\"type\":\"function\",\"function\":{\"name\":")
            string(name)
            raw(",\"arguments\":")
        } else {
            raw(",\"function\":{\"arguments\":")
        }
        string(delta.argumentsFragment)
        raw("}}]")
    }
}
