import Accounts
import Generation
import HTTPTypes
import Inference
import JSON
import Testing

@testable import HTTPAPI

@Suite("Shares of requests")
struct RequestSharesTests {
    /// A user's API token.
    static func add(_ name: String, _ role: Role, to accounts: AccountServices) async throws -> String {
        let user = try await accounts.users.create(
            NewUser(
                username: Username(name), email: EmailAddress("\(name)@example.com"), role: role,
                password: Password("correct horse")), by: .node)
        return try await accounts.apiTokens.create(name: "t", for: user.id, by: .node).text
    }

    @Test("count against whoever asks, with the weight of the name or else of the role")
    func weights() async throws {
        let accounts = ScriptedNode.accounts()
        let tokens = [
            try await Self.add("Ada", .admin, to: accounts), try await Self.add("bob", .user, to: accounts),
            try await Self.add("Eve", .user, to: accounts), ScriptedNode.key,
        ]
        var node = ScriptedNode()
        node.services.accounts = accounts
        node.configuration.shares = ShareWeights(users: 3, administrators: 5, nodeKey: 7, named: ["eve": 11])
        let requests = node.requests
        try await node.serve { client in
            for token in tokens {
                try await client.expect(200, .post, "/v1/chat/completions", ChatCompletionTests.question, key: token)
            }
            try await client.expect(
                200, .post, "/v1/completions", ["model": "demo", "prompt": "a", "n": 2], key: tokens[1])
        }
        #expect(requests.all.map(\.share.weight) == [5, 3, 11, 7, 3, 3])
        let callers = requests.all.map(\.share.caller)
        #expect(Set(callers).count == 4)
        #expect(callers[3] == "node" && callers[4] == callers[1] && callers[5] == callers[1])
    }

    @Test(
        "that are used up, and other ends of requests, have a status and a word of their own",
        arguments: [
            (InferenceError.Code.callerBusy, 429, "rate_limit_error", "rate_limit_error", true),
            (.noCapacity, 503, "server_error", "server_error", true),
            (.contextTooLong, 400, "invalid_request_error", "context_length_exceeded", false),
            (InferenceError.Code(rawValue: "request_ended_engine"), 500, "server_error", "request_ended_engine", false),
            (.badRequest, 400, "invalid_request_error", "invalid_request_error", false),
            (.engineFailed, 500, "server_error", "server_error", false),
        ] as [(InferenceError.Code, Int, String, String, Bool)])
    func codes(code: InferenceError.Code, status: Int, type: String, word: String, mayRetry: Bool) async throws {
        var node = ScriptedNode()
        node.generate = { _ in
            throw InferenceError(code, "the model's maximum context length is 8 tokens", parameter: "messages")
        }
        try await node.serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", ChatCompletionTests.question)
            #expect(answer.status == status)
            #expect(answer.errorType == type)
            #expect(answer.json["error"]?["code"]?.string == word)
            #expect(answer.errorParameter == "messages")
            #expect((answer.headers[.retryAfter] != nil) == mayRetry)
        }
    }

    @Test(
        "of the node's own variables cannot be taken by a request",
        arguments: ["messages", "tools", "documents", "add_generation_prompt", "bos_token", "eos_token", "range"])
    func reservedArguments(name: String) async throws {
        try await ScriptedNode().serve { client in
            let arguments = JSONValue.object([("enable_thinking", false), (name, "x")])
            let answer = try await client.send(
                .post, "/v1/chat/completions", ChatCompletionTests.question(("chat_template_kwargs", arguments)))
            #expect(answer.status == 400)
            #expect(answer.errorParameter == "chat_template_kwargs.\(name)")
        }
    }
}
