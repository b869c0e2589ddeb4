import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSON
import Logging
import Testing

@testable import HTTPAPI

/// An API with an envelope and errors of its own, as it would be added: nothing of the others knows it.
private struct TinyRoutes: RouteGroup {
    static let family = APIFamily(prefixes: ["/tiny/"], errors: TinyErrors(), rateClass: .inference)

    func add(to table: inout RouteTable) {
        table.get("/tiny/echo/{word}", .everybody) { _, context in
            .json(["ok": true, "result": .string(context.parameters.get("word") ?? "")])
        }
        table.post("/tiny/fail", .user) { _, _ in
            throw APIError.invalidRequest("that is no word", parameter: "word", hint: "Try another one.")
        }
    }
}

private struct TinyErrors: ErrorEnvelope {
    func rendered(_ error: APIError) -> (status: HTTPResponse.Status, body: JSONValue) {
        (
            error.status,
            ["ok": false, "why": .string(error.message), "where": error.parameter.map { .string($0) } ?? .null]
        )
    }
}

@Suite("A family of routes")
struct NewFamilyTests {
    private func serve(
        _ node: ScriptedNode = ScriptedNode(), _ body: @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        let server = HTTPAPI.server(
            configuration: node.configuration, services: node.services,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: ContinuousClock(),
            more: [TinyRoutes()], onListening: { _ in })
        try await server.application.test(.live) { try await body($0) }
    }

    private func ask(
        _ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ path: String, key: String? = nil
    ) async throws -> (status: Int, json: JSONValue) {
        let headers: HTTPFields = key.map { [.authorization: "Bearer \($0)"] } ?? [:]
        return try await client.execute(uri: path, method: method, headers: headers) { response in
            (response.status.code, try JSONValue(parsing: String(buffer: response.body)))
        }
    }

    @Test("has answers and errors of its own, without any other family knowing it")
    func added() async throws {
        let node = ScriptedNode()
        try await serve(node) { client in
            let answer = try await ask(client, .get, "/tiny/echo/shoal")
            #expect(answer.status == 200 && answer.json == ["ok": true, "result": "shoal"])
            for (method, path, key, status) in [
                (.get, "/tiny/nothing", nil, 404), (.post, "/tiny/echo/shoal", nil, 405),
                (.get, "//tiny/fail/", nil, 405),
                (.post, "/tiny/fail", nil, 401), (.post, "/tiny/fail", "wrong", 401),
                (.post, "/tiny/fail", node.configuration.apiKey, 400),
            ] as [(HTTPRequest.Method, String, String?, Int)] {
                let refused = try await ask(client, method, path, key: key)
                #expect(refused.status == status, "\(path)")
                #expect(refused.json["ok"] == false && refused.json["why"]?.string?.isEmpty == false, "\(refused.json)")
                #expect(refused.json["where"] == (status == 400 ? "word" : .null))
            }
            // The others are as they were.
            for (path, member) in [
                ("/v1/nothing", "error"), ("/admin/api/nothing", "error"), ("/api/v1/nothing", "detail"),
            ] {
                #expect(try await ask(client, .get, path).json[member] != nil)
            }
        }
    }

    @Test("counts against the limit of its class")
    func limited() async throws {
        var node = ScriptedNode()
        node.configuration.rateLimits = RateLimits(
            administrationPerMinute: 1000, inferencePerMinute: 2, includesLoopback: true)
        try await serve(node) { client in
            for status in [200, 200, 429] {
                let answer = try await ask(client, .get, "/tiny/echo/a")
                #expect(answer.status == status)
            }
            #expect(try await ask(client, .get, "/v1/nothing").status == 429)
            #expect(try await ask(client, .get, "/api/nothing").status == 404)
            #expect(try await ask(client, .get, "/health").status == 200)
        }
    }

    @Test(
        "is found for every path, whether or not there is a route",
        arguments: [
            ("/health", ""), ("/nothing", ""), ("/", ""), ("", ""), ("/v1", ""), ("/v1/models", "/v1/"),
            ("/v1/models/a", "/v1/"), ("/v1/models/a/b", "/v1/"), ("/tokenize", "/v1/"), ("/tokenize/x", ""),
            ("/tokenizer", ""), ("/lorax", "/api/v1"), ("/metrics", ""),
            ("/api/me", "/api/"), ("/api/nothing", "/api/"), ("/admin/nothing", "/api/"),
            ("/api/admin/models/a/shards/1/load", "/api/"), ("/admin/api", "/admin/api"),
            ("/admin/api/users/7/tokens", "/admin/api"), ("/api/admin/cluster_nodes/set_driver", "/admin/api"),
            ("/api/admin/cluster_", "/admin/api"), ("/api/v1/lora/upload", "/api/v1"), ("/admin/lora", "/api/v1"),
            ("/lora/upload", "/api/v1"), ("/evaluation/", "/api/v1"),
        ])
    func family(path: String, prefix: String) {
        let node = ScriptedNode()
        var table = RouteTable()
        let roster = ConnectionRoster(limits: node.configuration.connections, logger: Logger(label: "test"))
        for group in HTTPAPI.groups(
            configuration: node.configuration, services: node.services, metrics: HTTPMetrics(), roster: roster)
        { table.add(group) }
        #expect(table.family(of: path).prefixes.first == prefix)
    }
}
