import Generation
import Inference
import NIOCore

/// Writes answers in one piece.
enum CompletedAnswer {
    /// A `chat.completion` object.
    static func chat(
        _ choices: [CollectedChoice], head: AnswerHead, includesLogProbabilities: Bool, allowsParallelToolCalls: Bool
    ) -> ByteBuffer {
        var json = begin(head, object: "chat.completion")
        json.array(choices.enumerated()) { json, choice in
            let calls = allowsParallelToolCalls ? choice.element.toolCalls : Array(choice.element.toolCalls.prefix(1))
            json.raw("{\"index\":\(choice.offset),\"message\":{\"role\":\"assistant\",\"content\":")
            if choice.element.text.isEmpty, !calls.isEmpty {
                json.raw("null")
            } else {
                json.string(choice.element.text)
            }
            json.raw(",\"refusal\":null")
            if !choice.element.reasoning.isEmpty {
                json.raw(",\"reasoning_content\":")
                json.string(choice.element.reasoning)
            }
            if !calls.isEmpty {
                json.raw(",\"tool_calls\":")
                json.array(calls) { json, call in
                    json.raw("{\"id\":")
                    json.string(call.id)
                    json.raw(",\"type\":\"function\",\"function\":{\"name\":")
                    json.string(call.name)
                    json.raw(",\"arguments\":")
                    json.string(call.arguments)
                    json.raw("}}")
                }
            }
            json.raw("},\"logprobs\":")
            if includesLogProbabilities { json.chatLogProbabilities(choice.element.tokens) } else { json.raw("null") }
            json.raw(",\"finish_reason\":\"\(choice.element.result?.finishReason.rawValue ?? "stop")\"}")
        }
        end(&json, choices, choicesPerPrompt: max(1, choices.count))
        return json.buffer
    }

    /// A `text_completion` object.
    static func completion(
        _ choices: [CollectedChoice], head: AnswerHead, includesLogProbabilities: Bool, choicesPerPrompt: Int
    ) -> ByteBuffer {
        var json = begin(head, object: "text_completion")
        json.array(choices.enumerated()) { json, choice in
            json.raw("{\"index\":\(choice.offset),\"text\":")
            json.string(choice.element.text)
            json.raw(",\"logprobs\":")
            if includesLogProbabilities {
                json.completionLogProbabilities(choice.element.tokens)
            } else {
                json.raw("null")
            }
            json.raw(",\"finish_reason\":\"\(choice.element.result?.finishReason.rawValue ?? "stop")\"}")
        }
        end(&json, choices, choicesPerPrompt: choicesPerPrompt)
        return json.buffer
    }

    private static func begin(_ head: AnswerHead, object: String) -> JSONText {
        var json = JSONText()
        json.raw("{\"id\":")
        json.string(head.identifier)
        json.raw(",\"object\":\"\(object)\",\"created\":\(head.createdUnixSeconds),\"model\":")
        json.string(head.model)
        json.raw(",\"system_fingerprint\":")
        json.string(head.fingerprint)
        json.raw(",\"choices\":")
        return json
    }

    private static func end(_ json: inout JSONText, _ choices: [CollectedChoice], choicesPerPrompt: Int) {
        let results = choices.compactMap(\.result)
        json.raw(",\"usage\":")
        json.usage(AnswerUsage(results, choicesPerPrompt: choicesPerPrompt))
        if let first = results.first {
            json.raw(",\"timings\":")
            json.timings(first)
            json.raw(",\"route\":")
            json.route(first.route)
        }
        json.raw("}")
    }
}
