import Generation
import HTTPTypes
import Inference
import JSON
import Testing

@testable import HTTPAPI

@Suite("Completions")
struct CompletionTests {
    @Test("continue a text, with 16 tokens unless told otherwise", arguments: [true, false])
    func text(streamed: Bool) async throws {
        let node = ScriptedNode()
        try await node.serve { client in
            let answer = try await client.send(
                .post, "/v1/completions", ["model": "demo", "prompt": "Say", "stream": .bool(streamed)])
            let documents = streamed ? answer.chunks : [answer.json]
            #expect(documents.compactMap { $0["choices"]?[0]?["text"]?.string }.joined() == "Hello \"wörld\"\n")
            #expect(documents.last?["choices"]?[0]?["finish_reason"] == "stop")
            #expect(answer.events.last == (streamed ? "[DONE]" : nil))
        }
        #expect(node.requests.all.first?.maximumTokens == 16)
        #expect(node.requests.all.first?.parseToolCalls == false)
    }

    @Test(
        "take prompts in every form",
        arguments: [
            ("a", [.text("a")]), (["a", "b"], [.text("a"), .text("b")]), ([1, 2], [.tokens([1, 2])]),
            ([[1, 2], [3]], [.tokens([1, 2]), .tokens([3])]), (["a", [3]], [.text("a"), .tokens([3])]),
        ] as [(JSONValue, [TextOrTokens])])
    func prompts(prompt: JSONValue, expected: [TextOrTokens]) async throws {
        let node = ScriptedNode()
        try await node.serve { client in
            let answer = try await client.send(.post, "/v1/completions", ["model": "demo", "prompt": prompt, "n": 2])
            #expect(answer.json["choices"]?.array?.count == expected.count * 2)
            #expect(answer.json["usage"]?["prompt_tokens"] == .integer(12 * expected.count))
            #expect(answer.json["usage"]?["completion_tokens"] == .integer(4 * expected.count))
        }
        let read = node.requests.all.map { request in
            switch request.prompt {
            case .text(let text): TextOrTokens.text(text)
            case .tokens(let tokens): TextOrTokens.tokens(tokens)
            case .chat: TextOrTokens.text("a conversation")
            }
        }
        #expect(Set(read) == Set(expected))
    }

    @Test("tell log-probabilities in four parallel arrays, the prompt's too")
    func logProbabilities() async throws {
        let first = ScriptedNode.token("Sa")
        let second = TokenInfo(
            token: 8, bytes: [0xFF], logProbability: -1.25,
            top: [
                .init(token: 8, bytes: [0xFF], logProbability: -1.25), .init(token: 9, bytes: [66], logProbability: -2),
            ],
            textOffset: 2)
        let node = ScriptedNode(events: [
            ScriptedNode.started, .text("Sa", [first]), .text("\u{FFFD}", [second]), ScriptedNode.finished(.length),
        ])
        try await node.serve { client in
            let body: JSONValue = ["model": "demo", "prompt": "Sa", "echo": true, "logprobs": 2, "max_tokens": 0]
            let answer = try await client.send(.post, "/v1/completions", body)
            let found = answer.json["choices"]?[0]?["logprobs"]
            #expect(found?["tokens"] == ["Sa", "bytes:\\xff"])
            #expect(found?["token_logprobs"] == [nil, -1.25])
            #expect(found?["top_logprobs"] == [nil, ["bytes:\\xff": -1.25, "B": -2.0]])
            #expect(found?["text_offset"] == [0, 2])
        }
        let request = try #require(node.requests.all.first)
        #expect(request.echo && request.maximumTokens == 0 && request.topLogProbabilities == 2)
    }

    @Test(
        "refuse what is wrong, by name",
        arguments: [
            (["model": "demo"], "prompt"), (["model": "demo", "prompt": []], "prompt"),
            (["model": "demo", "prompt": [1, "a"]], "prompt"), (["model": "demo", "prompt": [-1]], "prompt"),
            (["model": "demo", "prompt": ["a", 1.5]], "prompt[1]"),
            (["model": "demo", "prompt": "a", "best_of": 2], "best_of"),
            (["model": "demo", "prompt": "a", "suffix": "b"], "suffix"),
            (["model": "demo", "prompt": "a", "logprobs": true], "logprobs"),
            (["model": "demo", "prompt": "a", "messages": []], "messages"),
            (["model": "demo", "prompt": ["a", "b", "c"], "n": 100], "prompt"),
        ] as [(JSONValue, String)])
    func refusals(body: JSONValue, parameter: String) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.post, "/v1/completions", body)
            #expect(answer.status == 400)
            #expect(answer.errorParameter == parameter)
        }
    }

    @Test("accept options that are switched off")
    func neutral() async throws {
        try await ScriptedNode().serve { client in
            let body: JSONValue = [
                "model": "demo", "prompt": "a", "best_of": 1, "suffix": nil, "user": "x", "top_n_sigma": -1.0,
                "logprobs": nil,
            ]
            try await client.expect(200, .post, "/v1/completions", body)
        }
    }
}

@Suite("Embeddings")
struct EmbeddingsTests {
    @Test("come as numbers and as base64 of the same numbers")
    func encodings() async throws {
        try await ScriptedNode().serve { client in
            let numbers = try await client.send(.post, "/v1/embeddings", ["model": "demo", "input": ["a", "b"]])
            #expect(numbers.json["data"]?[1]?["embedding"] == [0.5, -0.25, 1.0])
            #expect(numbers.json["usage"]?["prompt_tokens"] == 6)
            let base64 = try await client.send(
                .post, "/v1/embeddings", ["model": "demo", "input": [1, 2], "encoding_format": "base64"])
            #expect(base64.json["data"]?[0]?["embedding"] == "AAAAPwAAgL4AAIA/")
            // The model's own length may be named.
            try await client.expect(
                200, .post, "/v1/embeddings", ["model": "demo", "input": "a", "dimensions": 3])
        }
    }

    @Test(
        "refuse what is wrong, by name",
        arguments: [
            (["model": "demo"], "input"), (["model": "demo", "input": ""], "input"),
            (["model": "demo", "input": "a", "dimensions": 4], "dimensions"),
            (["model": "demo", "input": "a", "dimensions": 0], "dimensions"),
            (["model": "demo", "input": "a", "dimensions": "3"], "dimensions"),
            (["model": "demo", "input": "a", "encoding_format": "hex"], "encoding_format"),
        ] as [(JSONValue, String)])
    func refusals(body: JSONValue, parameter: String) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.post, "/v1/embeddings", body)
            #expect(answer.status == 400)
            #expect(answer.errorParameter == parameter)
        }
    }

    @Test(
        "are written in the alphabet and padding of RFC 4648",
        arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
    func base64(text: String, expected: String) {
        #expect(Base64.encode(Array(text.utf8)) == expected)
    }
}
