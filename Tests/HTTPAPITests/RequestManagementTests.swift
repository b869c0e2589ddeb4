import HTTPTypes
import JSON
import ShoalTestSupport
import Testing

@testable import HTTPAPI

@Suite("Requests")
struct RequestManagementTests {
    @Test("that nobody serves are told from wrong methods")
    func unknownRoutes() async throws {
        try await ScriptedNode().serve { client in
            let missing = try await client.send(.get, "/v1/nothing")
            #expect(missing.status == 404)
            #expect(missing.errorType == "not_found_error")
            let wrong = try await client.send(.delete, "/v1/models/demo")
            #expect(wrong.status == 405)
            #expect(wrong.headers[.allow] == "GET, HEAD")
            #expect(try await client.send(.get, "/v1/chat/completions").headers[.allow] == "POST")
        }
    }

    @Test(
        "that are no JSON objects are refused",
        arguments: ["", "{", "[]", "null", "\"a\"", "{\"model\": \"demo\",}", "\u{0}", "{\"a\":1}x"])
    func malformed(text: String) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.post, "/v1/completions", text: text)
            #expect(answer.status == 400)
            #expect(answer.errorType == "invalid_request_error")
        }
    }

    @Test("that are too large are refused")
    func tooLarge() async throws {
        var node = ScriptedNode()
        node.configuration.bodyLimitBytes = 1000
        try await node.serve { client in
            let answer = try await client.send(
                .post, "/v1/completions", ["model": "demo", "prompt": .string(String(repeating: "a", count: 2000))])
            #expect(answer.status == 413)
        }
    }

    @Test(
        "keep a sensible id of their own",
        arguments: [("req-1", true), ("a b", false), (String(repeating: "x", count: 129), false)])
    func requestIDs(id: String, isKept: Bool) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.get, "/health", headers: [.xRequestID: id])
            #expect((answer.headers[.xRequestID] == id) == isKept)
        }
    }

    @Test("past the rate are refused until time has passed")
    func rateLimit() async throws {
        var node = ScriptedNode()
        node.configuration.rateLimits = RateLimits(
            administrationPerMinute: 2, inferencePerMinute: 1, includesLoopback: true)
        let clock = ManualClock()
        try await node.serve(clock: clock) { client in
            try await client.expect(200, .get, "/v1/models")
            let refused = try await client.send(.get, "/v1/models")
            #expect(refused.status == 429)
            #expect(refused.errorType == "rate_limit_error")
            #expect(refused.headers[.retryAfter] == "60")
            // The other family and health have buckets of their own, or none.
            try await client.expect(200, .get, "/api/admin/stats")
            try await client.expect(200, .get, "/health")
            clock.advance(by: .seconds(60))
            try await client.expect(200, .get, "/v1/models")
        }
    }

    @Test("on loopback are not limited unless configured to be")
    func loopbackRate() async throws {
        var node = ScriptedNode()
        node.configuration.rateLimits = RateLimits(
            administrationPerMinute: 1, inferencePerMinute: 1, includesLoopback: false)
        try await node.serve { client in
            for _ in 0..<5 {
                let answer = try await client.send(.get, "/v1/models")
                #expect(answer.status == 200)
            }
        }
    }

    @Test("for odd ids and indices never reach the inside")
    func oddPaths() async throws {
        try await ScriptedNode().serve { client in
            for path in [
                "/v1/models/%ff", "/api/admin/models/demo/shards/x/load", "/api/admin/models/demo/shards/-1/load",
                "/api/admin/models/demo/shards/4294967295/unload",
                "/api/admin/models/demo/shards/99999999999999999999/load",
                "/api/admin/models/demo/shards/1.5/load",
            ] {
                let answer = try await client.send(path.hasPrefix("/v1") ? .get : .post, path)
                #expect(answer.status == 400, "\(path)")
            }
            try await client.expect(404, .get, "/v1/models/none")
            try await client.expect(404, .get, "/v1/models/..%2F..%2Fetc")
        }
    }

    @Test("with random members are answered or refused, and never break the node")
    func randomBodies() async throws {
        var generator = SeededRandom(seed: 7)
        var bodies: [(String, JSONValue)] = []
        for _ in 0..<1500 {
            let isChat = Bool.random(using: &generator)
            var body: JSONValue = isChat ? ChatCompletionTests.question : ["model": "demo", "prompt": "a"]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let name = Self.names.randomElement(using: &generator) ?? ""
                body[name] = Self.randomValue(depth: 3, using: &generator)
            }
            bodies.append((isChat ? "/v1/chat/completions" : "/v1/completions", body))
        }
        let requests = bodies
        try await ScriptedNode().serve { client in
            for (path, body) in requests {
                let answer = try await client.send(.post, path, body)
                #expect(answer.status == 200 || answer.status == 400, "\(body)")
                if answer.status == 400 { #expect(answer.errorParameter != nil, "\(body)") }
            }
        }
    }

    private static let names = [
        "model", "messages", "prompt", "temperature", "top_p", "top_k", "n", "max_tokens", "stop", "stream",
        "stream_options", "logit_bias", "logprobs", "top_logprobs", "tools", "tool_choice", "response_format", "seed",
        "grammar", "json_schema", "echo", "best_of", "suffix", "user", "chat_template_kwargs", "lora", "mirostat", "x",
    ]

    private static func randomValue(depth: Int, using generator: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .integer(.random(in: -3...3, using: &generator))
        case 3: return .integer(.random(in: .min ... .max, using: &generator))
        case 4: return .number(.random(in: -2...2, using: &generator))
        case 5:
            return .string(
                ["", "a", "text", "json_object", "auto", "\u{0}", "é"].randomElement(using: &generator) ?? "")
        case 6: return .string(names.randomElement(using: &generator) ?? "")
        case 7:
            return .array(
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    randomValue(depth: depth - 1, using: &generator)
                })
        default:
            return .object(
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    (
                        ["type", "role", "content", "function", "name", "1"].randomElement(using: &generator) ?? "",
                        randomValue(depth: depth - 1, using: &generator)
                    )
                })
        }
    }
}
