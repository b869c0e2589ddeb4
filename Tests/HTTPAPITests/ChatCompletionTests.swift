import Generation
import HTTPTypes
import Inference
import JSON
import Testing

@testable import HTTPAPI

@Suite("Chat completions")
struct ChatCompletionTests {
    static let question: JSONValue = ["model": "demo", "messages": [["role": "user", "content": "Hi"]]]

    static func question(_ members: (String, JSONValue)...) -> JSONValue {
        var body = question
        for (name, value) in members { body[name] = value }
        return body
    }

    @Test("come in one piece with text, reason, usage and route")
    func whole() async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", Self.question)
            #expect(answer.status == 200)
            let choice = answer.json["choices"]?[0]
            #expect(choice?["message"]?["content"] == "Hello \"wörld\"\n")
            #expect(choice?["finish_reason"] == "stop")
            #expect(answer.json["usage"]?["total_tokens"] == 14)
            #expect(answer.json["usage"]?["prompt_tokens_details"]?["cached_tokens"] == 4)
            #expect(
                answer.headers[.xShoalRoute]
                    == "layers=0..<4;node=0101010101010101;name=alpha, layers=4..<8;node=0202020202020202;name=b-ta-node"
            )
            #expect(answer.headers[.serverTiming] == "prompt;dur=20.0, decode;dur=10.0")
        }
    }

    @Test("come as server-sent events when asked to")
    func streamed() async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", Self.question(("stream", true)))
            #expect(answer.headers[.contentType] == "text/event-stream; charset=utf-8")
            #expect(answer.headers[.xShoalRoute]?.hasPrefix("layers=0..<4;node=") == true)
            #expect(answer.events.last == "[DONE]")
            let deltas = answer.chunks.compactMap { $0["choices"]?[0]?["delta"] }
            #expect(deltas.first?["role"] == "assistant")
            #expect(deltas.compactMap { $0["content"]?.string }.joined() == "Hello \"wörld\"\n")
            #expect(answer.chunks.last?["choices"]?[0]?["finish_reason"] == "stop")
            #expect(answer.chunks.last?["timings"]?["predicted_n"] == 2)
            #expect(answer.chunks.allSatisfy { $0["usage"] == nil })
        }
    }

    @Test("count tokens at the end of a stream when asked to")
    func usage() async throws {
        try await ScriptedNode().serve { client in
            let body = Self.question(("stream", true), ("stream_options", ["include_usage": true]), ("n", 2))
            let answer = try await client.send(.post, "/v1/chat/completions", body)
            #expect(answer.chunks.dropLast().allSatisfy { $0["usage"] == .some(.null) })
            #expect(answer.chunks.last?["choices"] == [])
            // The prompt counts once, the answers each.
            #expect(answer.chunks.last?["usage"]?["prompt_tokens"] == 12)
            #expect(answer.chunks.last?["usage"]?["completion_tokens"] == 4)
        }
    }

    @Test("give several answers, each with a seed of its own")
    func several() async throws {
        let node = ScriptedNode()
        try await node.serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", Self.question(("n", 3), ("seed", 7)))
            #expect(answer.json["choices"]?.array?.compactMap { $0["index"]?.integer } == [0, 1, 2])
        }
        #expect(Set(node.requests.all.map(\.sampling.seed)) == [7, 8, 9])
    }

    @Test("tell log-probabilities with bytes and candidates", arguments: [true, false])
    func logProbabilities(streamed: Bool) async throws {
        let half = TokenInfo(
            token: 1, bytes: [0xE2, 0x82], logProbability: -0.5,
            top: [
                .init(token: 1, bytes: [0xE2, 0x82], logProbability: -0.5),
                .init(token: 2, bytes: [65], logProbability: -.infinity),
            ],
            textOffset: 0)
        let node = ScriptedNode(events: [
            ScriptedNode.started, .text("", [half]), .text("€", [ScriptedNode.token("\u{AC}", logProbability: -1)]),
            ScriptedNode.finished(),
        ])
        try await node.serve { client in
            let body = Self.question(("stream", .bool(streamed)), ("logprobs", true), ("top_logprobs", 2))
            let answer = try await client.send(.post, "/v1/chat/completions", body)
            let documents = streamed ? answer.chunks : [answer.json]
            let tokens = documents.flatMap { $0["choices"]?[0]?["logprobs"]?["content"]?.array ?? [] }
            #expect(tokens.count == 2)
            #expect(tokens[0]["bytes"] == [0xE2, 0x82])
            #expect(tokens[0]["logprob"] == -0.5)
            #expect(tokens[0]["top_logprobs"]?[1]?["logprob"] == -9999.0)
            // None of them is what one gets without asking.
            try await client.expect(
                200, .post, "/v1/chat/completions", Self.question(("stream", .bool(streamed)), ("top_logprobs", 0)))
        }
        #expect(node.requests.all.first?.topLogProbabilities == 2)
    }

    static let toolCalls: [GenerationEvent] = [
        ScriptedNode.started, .reasoning("Let me look."),
        .toolCall(ToolCallDelta(index: 0, id: "call_1", name: "weather", argumentsFragment: "")),
        .toolCall(ToolCallDelta(index: 0, id: "call_1", name: nil, argumentsFragment: "{\"city\":")),
        .toolCall(ToolCallDelta(index: 0, id: "call_1", name: nil, argumentsFragment: "\"Oslo\"}")),
        .toolCall(ToolCallDelta(index: 1, id: "call_2", name: "time", argumentsFragment: "{}")),
        ScriptedNode.finished(.toolCalls),
    ]

    static let tools: JSONValue = [
        ["type": "function", "function": ["name": "weather", "parameters": ["type": "object"]]],
        ["type": "function", "function": ["name": "time"]],
    ]

    @Test("call tools")
    func toolCallsWhole() async throws {
        try await ScriptedNode(events: Self.toolCalls).serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", Self.question(("tools", Self.tools)))
            let message = answer.json["choices"]?[0]?["message"]
            #expect(message?["content"] == .some(.null))
            #expect(message?["reasoning_content"] == "Let me look.")
            #expect(message?["tool_calls"]?[0]?["function"]?["arguments"] == "{\"city\":\"Oslo\"}")
            #expect(message?["tool_calls"]?[1]?["id"] == "call_2")
            #expect(answer.json["choices"]?[0]?["finish_reason"] == "tool_calls")
        }
    }

    @Test("stream tool calls, and only one where one is allowed", arguments: [(true, 2), (false, 1)])
    func toolCallsStreamed(parallel: Bool, count: Int) async throws {
        try await ScriptedNode(events: Self.toolCalls).serve { client in
            let body = Self.question(
                ("tools", Self.tools), ("stream", true), ("parallel_tool_calls", .bool(parallel)))
            let answer = try await client.send(.post, "/v1/chat/completions", body)
            let calls = answer.chunks.compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
            #expect(Set(calls.compactMap { $0["index"]?.integer }).count == count)
            let arguments = calls.filter { $0["index"] == 0 }.compactMap { $0["function"]?["arguments"]?.string }
            #expect(arguments.joined() == "{\"city\":\"Oslo\"}")
            #expect(calls.first?["function"]?["name"] == "weather")
        }
    }

    @Test("hand every option on")
    func options() async throws {
        let node = ScriptedNode()
        let body = Self.question(
            ("temperature", 0), ("top_k", 5), ("top_p", 0.5), ("min_p", 0.1), ("typical_p", 0.9),
            ("repeat_penalty", 1.1),
            ("repeat_last_n", -1), ("presence_penalty", 0.5), ("frequency_penalty", -0.5), ("seed", -1),
            ("logit_bias", ["5": -100, "6": 1.5]), ("stop", ["a", "b"]), ("max_tokens", 9), ("cache_prompt", false),
            ("ignore_eos", true), ("chat_template_kwargs", ["enable_thinking": false]), ("user", "me"),
            ("store", false),
            ("response_format", ["type": "json_schema", "json_schema": ["name": "x", "schema": ["type": "object"]]]),
            ("tools", nil), ("mirostat", 0), ("reasoning_effort", "low"))
        try await node.serve { client in
            try await client.expect(200, .post, "/v1/chat/completions", body)
        }
        let request = try #require(node.requests.all.first)
        var sampling = Sampling()
        sampling.temperature = 0
        sampling.topK = 5
        sampling.topP = 0.5
        sampling.minP = 0.1
        sampling.typicalP = 0.9
        sampling.repeatPenalty = 1.1
        sampling.repeatLastN = -1
        sampling.presencePenalty = 0.5
        sampling.frequencyPenalty = -0.5
        sampling.logitBias = [5: -100, 6: 1.5]
        #expect(request.sampling == sampling)
        #expect(request.stop == ["a", "b"])
        #expect(request.maximumTokens == 9)
        #expect(!request.cachePrompt)
        #expect(request.ignoreEndOfGeneration)
        guard case .jsonSchema(["type": "object"]) = request.responseFormat else {
            Issue.record("the schema is lost: \(request.responseFormat)")
            return
        }
        guard case .chat(let chat) = request.prompt else {
            Issue.record("no conversation: \(request.prompt)")
            return
        }
        #expect(chat.tools.isEmpty)
        #expect(chat.templateArguments == ["enable_thinking": false, "reasoning_effort": "low"])
    }

    @Test("bring messages into one form")
    func messages() async throws {
        let node = ScriptedNode()
        let messages: JSONValue = [
            ["role": "developer", "content": "Be brief."],
            ["role": "user", "content": [["type": "text", "text": "a"], ["type": "text", "text": "b"]]],
            ["role": "assistant", "content": nil, "tool_calls": [["function": ["name": "f", "arguments": "{}"]]]],
            ["role": "tool", "tool_call_id": "x", "content": "1"],
        ]
        try await node.serve { client in
            let body: JSONValue = ["model": "demo", "messages": messages]
            try await client.expect(200, .post, "/v1/chat/completions", body)
        }
        guard case .chat(let chat)? = node.requests.all.first?.prompt else {
            Issue.record("no conversation")
            return
        }
        #expect(chat.messages.map(\.role) == [.system, .user, .assistant, .tool])
        #expect(chat.messages.map(\.texts) == [["Be brief."], ["a", "b"], [], ["1"]])
    }

    @Test(
        "refuse what is wrong, by name",
        arguments: [
            ([:], "model"), (["model": "demo"], "messages"), (["model": 3, "messages": []], "model"),
            (question(("messages", [])), "messages"), (question(("messages", "hi")), "messages"),
            (question(("messages", [["role": "robot", "content": "a"]])), "messages[0].role"),
            (question(("messages", [["role": "user"]])), "messages[0].content"),
            (
                question(("messages", [["role": "user", "content": [["type": "input_audio"]]]])),
                "messages[0].content[0].type"
            ),
            (question(("temperature", 3)), "temperature"), (question(("temperature", "hot")), "temperature"),
            (question(("top_p", -0.1)), "top_p"), (question(("n", 0)), "n"), (question(("n", 1000)), "n"),
            (question(("max_tokens", 0)), "max_tokens"),
            (question(("max_tokens", 5), ("max_completion_tokens", 6)), "max_tokens"),
            (question(("seed", 1.5)), "seed"), (question(("seed", .literal("-9223372036854775809"))), "seed"),
            (question(("seed", .literal("9223372036854775808"))), "seed"),
            (question(("top_logprobs", 3)), "top_logprobs"),
            (question(("stop", [""])), "stop"), (question(("stop", 1)), "stop"),
            (question(("logit_bias", ["x": 1])), "logit_bias"), (question(("logit_bias", ["1": 1000])), "logit_bias"),
            (question(("response_format", ["type": "yaml"])), "response_format.type"),
            (question(("response_format", ["type": "json_schema"])), "response_format.json_schema"),
            (question(("response_format", ["type": "json_object"]), ("grammar", "root ::= \"a\"")), "grammar"),
            (question(("tools", [["type": "function"]])), "tools[0].function"),
            (question(("tool_choice", "required")), "tool_choice"),
            (question(("stream_options", [:])), "stream_options"),
            (question(("stream", true), ("stream_options", ["x": 1])), "stream_options.x"),
            (question(("warp_factor", 9)), "warp_factor"), (question(("store", true)), "store"),
            (question(("mirostat", 2)), "mirostat"), (question(("functions", [])), "functions"),
            (question(("stream", "yes")), "stream"), (question(("reasoning_effort", "huge")), "reasoning_effort"),
        ] as [(JSONValue, String)])
    func refusals(body: JSONValue, parameter: String) async throws {
        let node = ScriptedNode()
        try await node.serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", body)
            #expect(answer.status == 400)
            #expect(answer.errorType == "invalid_request_error")
            #expect(answer.errorParameter == parameter)
        }
        #expect(node.requests.all.isEmpty)
    }

    @Test(
        "give each failure its status",
        arguments: [
            (InferenceError.Code.modelNotFound, 404, "not_found_error"), (.modelNotCovered, 503, "server_error"),
            (.noCapacity, 503, "server_error"), (.badRequest, 400, "invalid_request_error"),
            (.contextTooLong, 400, "invalid_request_error"), (.timedOut, 504, "timeout_error"),
            (.segmentLost, 503, "server_error"), (.engineFailed, 500, "server_error"),
        ])
    func failures(code: InferenceError.Code, status: Int, type: String) async throws {
        var node = ScriptedNode()
        node.generate = { _ in throw InferenceError(code, "it broke", hint: "mend it") }
        try await node.serve { client in
            for streamed in [true, false] {
                let body = Self.question(("stream", .bool(streamed)))
                let answer = try await client.send(.post, "/v1/chat/completions", body)
                #expect(answer.status == status)
                #expect(answer.errorType == type)
                #expect(answer.json["error"]?["message"] == "it broke")
                #expect(answer.json["error"]?["hint"] == "mend it")
            }
        }
    }

    @Test("end a stream that fails with an event that says why")
    func failureInStream() async throws {
        var node = ScriptedNode()
        node.generate = { _ in
            GenerationStream(
                AsyncThrowingStream { continuation in
                    continuation.yield(ScriptedNode.started)
                    continuation.yield(.text("Hel", []))
                    continuation.finish(throwing: InferenceError(.segmentLost, "beta is gone"))
                })
        }
        try await node.serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", Self.question(("stream", true)))
            #expect(answer.status == 200)
            #expect(answer.chunks.last?["error"]?["message"] == "beta is gone")
            #expect(!answer.events.contains("[DONE]"))
        }
    }

    @Test("show a change of route as a comment")
    func reroute() async throws {
        let node = ScriptedNode(events: [
            ScriptedNode.started, .rerouted(reason: "beta\nis gone", route: [ScriptedNode.route[0]]),
            ScriptedNode.finished(),
        ])
        try await node.serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", Self.question(("stream", true)))
            #expect(
                answer.text.contains(": rerouted (beta is gone): layers=0..<4;node=0101010101010101;name=alpha\n\n"))
        }
    }
}
