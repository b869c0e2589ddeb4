import JSON

/// Questions that the demo model was trained to answer, and requests for them.
enum DemoPrompts {
    static let questions = [
        "What is Shoal?", "What is a shard?", "What is a node?", "How do I join a swarm?", "What is a segment?",
        "What happens when a node fails?", "Who are you?", "What is a window?",
    ]

    /// A completion whose every number is asked for; nothing of it may come from a cache.
    static func exactCompletion(_ prompt: String, tokens: Int = 48) -> JSONValue {
        [
            "model": .string(DemoModel.id), "prompt": .string(prompt), "max_tokens": .integer(tokens), "temperature": 0,
            "logprobs": 5, "echo": true, "cache_prompt": false, "ignore_eos": true,
        ]
    }

    /// A question whose answer is the likeliest one.
    static func chat(_ question: String, tokens: Int = 64, stream: Bool = false) -> JSONValue {
        [
            "model": .string(DemoModel.id), "messages": [["role": "user", "content": .string(question)]],
            "max_tokens": .integer(tokens), "temperature": 0, "stream": .bool(stream), "cache_prompt": false,
        ]
    }

    /// A streamed completion that goes on until `tokens` tokens are written.
    static func long(_ prompt: String, tokens: Int) -> JSONValue {
        [
            "model": .string(DemoModel.id), "prompt": .string(prompt), "max_tokens": .integer(tokens), "temperature": 0,
            "stream": true, "cache_prompt": false, "ignore_eos": true,
        ]
    }
}

extension TestNode {
    /// The text and the numbers of a completion.
    func exactCompletion(_ prompt: String) async throws -> ExactCompletion {
        let answer = try await request(.post, "/v1/completions", DemoPrompts.exactCompletion(prompt))
        return try ExactCompletion(answer)
    }

    /// The answer to a question, and its route.
    func ask(_ question: String) async throws -> (text: String, route: String) {
        let answer = try await request(.post, "/v1/chat/completions", DemoPrompts.chat(question))
        let text = try answer.json["choices"]?[0]?["message"]?["content"]?.string
        return (text ?? "", answer.route)
    }
}

/// A completion as far as nodes must agree on it.
struct ExactCompletion: Sendable, Equatable {
    var text: String
    var logProbabilities: JSONValue
    var finishReason: String
    /// Not compared.
    var route: String

    init(_ answer: TestNode.Answer) throws {
        let json = try answer.json
        let choice = json["choices"]?[0]
        guard answer.status == 200, let choice, let text = choice["text"]?.string else {
            throw DeadlineExceeded(description: "no completion: \(json)")
        }
        self.text = text
        logProbabilities = choice["logprobs"] ?? nil
        finishReason = choice["finish_reason"]?.string ?? ""
        route = answer.route
    }

    static func == (left: ExactCompletion, right: ExactCompletion) -> Bool {
        left.text == right.text && left.logProbabilities == right.logProbabilities
            && left.finishReason == right.finishReason
    }
}
