import Generation
import Inference
import NIOCore

/// Writes `text_completion` events.
struct CompletionChunkRenderer: AnswerRenderer {
    let family = APIFamily.openAI

    private let prefix: String
    private let includesUsage: Bool
    private let includesLogProbabilities: Bool
    private let choicesPerPrompt: Int
    private var results: [Int: GenerationResult] = [:]

    init(head: AnswerHead, includesUsage: Bool, includesLogProbabilities: Bool, choicesPerPrompt: Int) {
        var json = JSONText()
        json.raw("data: {\"id\":")
        json.string(head.identifier)
        json.raw(",\"object\":\"text_completion\",\"created\":\(head.createdUnixSeconds),\"model\":")
        json.string(head.model)
        json.raw(",\"system_fingerprint\":")
        json.string(head.fingerprint)
        json.raw(",\"choices\":[")
        prefix = String(buffer: json.buffer)
        self.includesUsage = includesUsage
        self.includesLogProbabilities = includesLogProbabilities
        self.choicesPerPrompt = choicesPerPrompt
    }

    mutating func render(_ event: GenerationEvent, choice: Int, into json: inout JSONText) {
        switch event {
        case .started, .toolCall: return
        case .text(let text, let tokens):
            let showsTokens = includesLogProbabilities && !tokens.isEmpty
            guard !text.isEmpty || showsTokens else { return }
            chunk(choice, text: text, tokens: showsTokens ? tokens : nil, into: &json)
        case .reasoning(let text): chunk(choice, text: text, tokens: nil, into: &json)
        case .rerouted(let reason, let route): renderReroute(reason: reason, route: route, into: &json)
        case .finished(let result):
            results[choice] = result
            json.raw(prefix)
            json.raw(
                "{\"index\":\(choice),\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"\(result.finishReason.rawValue)\"}]"
            )
            if includesUsage { json.raw(",\"usage\":null") }
            json.raw(",\"timings\":")
            json.timings(result)
            json.raw(",\"route\":")
            json.route(result.route)
            json.raw("}\n\n")
        }
    }

    mutating func renderEnd(into json: inout JSONText) {
        if includesUsage {
            let ordered = results.sorted { $0.key < $1.key }.map(\.value)
            json.raw(prefix)
            json.raw("],\"usage\":")
            json.usage(AnswerUsage(ordered, choicesPerPrompt: choicesPerPrompt))
            json.raw("}\n\n")
        }
        json.raw("data: [DONE]\n\n")
    }

    private func chunk(_ choice: Int, text: String, tokens: [TokenInfo]?, into json: inout JSONText) {
        json.raw(prefix)
        json.raw("{\"index\":")
        json.integer(choice)
        json.raw(",\"text\":")
        json.string(text)
        json.raw(",\"logprobs\":")
        if let tokens { json.completionLogProbabilities(tokens) } else { json.raw("null") }
        json.raw(includesUsage ? ",\"finish_reason\":null}],\"usage\":null}\n\n" : ",\"finish_reason\":null}]}\n\n")
    }
}
