import HTTPTypes
import HummingbirdTesting
import JSON
import NIOCore
import Testing

@testable import HTTPAPI

@Suite("Access")
struct AccessTests {
    static let open = ["/health", "/health/ready", "/openapi.yaml"]
    static let reads = ["/v1/models", "/api/admin/stats", "/api/admin/peers", "/api/admin/models", "/metrics"]
    static let secrets = ["/api/admin/api-key", "/api/admin/network-code"]

    @Test("to reads is open on loopback, and to secrets never")
    func withoutKey() async throws {
        try await ScriptedNode().serve { client in
            for path in Self.open + Self.reads { try await client.expect(200, .get, path, key: nil) }
            for path in Self.secrets {
                let answer = try await client.send(.get, path, key: nil)
                #expect(answer.status == 401)
                #expect(answer.errorType == "authentication_error")
                #expect(answer.headers[.wwwAuthenticate] == "Bearer")
            }
        }
    }

    @Test("to reads needs the key where reads are not open")
    func closedReads() async throws {
        var node = ScriptedNode()
        node.configuration.openReads = false
        node.configuration.metricsRequireKey = true
        try await node.serve { client in
            for path in Self.reads {
                try await client.expect(401, .get, path, key: nil)
                try await client.expect(200, .get, path)
            }
            for path in Self.open { try await client.expect(200, .get, path, key: nil) }
        }
    }

    @Test(
        "to what changes or computes needs the key",
        arguments: [
            nil, "", "wrong", String(ScriptedNode.key.dropLast()), ScriptedNode.key + "0",
            ScriptedNode.key.uppercased(),
        ])
    func wrongKey(key: String?) async throws {
        let node = ScriptedNode()
        try await node.serve { client in
            for path in [
                "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/tokenize", "/api/admin/shutdown",
                "/api/admin/rescan-shards", "/api/admin/models/demo/unload", "/api/admin/join-network",
            ] {
                try await client.expect(401, .post, path, ChatCompletionTests.question, key: key)
            }
        }
        #expect(node.requests.all.isEmpty)
    }

    @Test(
        "is refused everywhere to a wrong key, and to an empty one as to none",
        arguments: ["authorization", "x-api-key"])
    func wrongKeyEverywhere(name: String) async throws {
        let field = try #require(HTTPField.Name(name))
        let prefix = name == "authorization" ? "Bearer " : ""
        try await ScriptedNode().serve { client in
            for path in Self.open + Self.reads + Self.secrets {
                let answer = try await client.send(.get, path, key: nil, headers: [field: "\(prefix)wrong"])
                #expect(answer.status == 401, "\(path)")
                #expect(answer.headers[.wwwAuthenticate] == "Bearer")
            }
            for path in Self.open + Self.reads {
                try await client.expect(200, .get, path, key: nil, headers: [field: prefix])
            }
        }
    }

    @Test("is given by either header", arguments: ["authorization", "x-api-key"])
    func headers(name: String) async throws {
        let field = try #require(HTTPField.Name(name))
        let value = name == "authorization" ? "bearer \(ScriptedNode.key)" : ScriptedNode.key
        try await ScriptedNode().serve { client in
            try await client.expect(200, .get, "/api/admin/api-key", key: nil, headers: [field: value])
        }
    }

    @Test("is not had through a foreign page", arguments: ["http://evil.example", "https://localhost:1", "null"])
    func foreignOrigin(origin: String) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.get, "/api/admin/stats", key: nil, headers: [.origin: origin])
            #expect(answer.status == 401)
            #expect(answer.headers[.accessControlAllowOrigin] == nil)
        }
    }

    @Test("is had through the node's own pages")
    func ownOrigin() async throws {
        try await ScriptedNode().serve { client in
            let port = try #require(client.client.port)
            let origin = "http://localhost:\(port)"
            let answer = try await client.send(.get, "/api/admin/stats", key: nil, headers: [.origin: origin])
            #expect(answer.status == 200)
            #expect(answer.headers[.accessControlAllowOrigin] == origin)
            let preflight = try await client.send(
                .options, "/api/admin/stats", key: nil, headers: [.origin: origin, .accessControlRequestMethod: "GET"])
            #expect(preflight.status == 204)
            #expect(preflight.headers[.accessControlAllowHeaders]?.contains("x-api-key") == true)
        }
    }

    @Test(
        "knows this machine by its names",
        arguments: [
            ("localhost", true), ("LOCALHOST:80", true), ("127.0.0.1:8800", true), ("127.9.9.9", true),
            ("[::1]:8800", true),
            ("::1", true), ("app.localhost", true), ("evil.example", false), ("127.0.0.1.evil.example", false),
            ("localhost.evil.example:80", false), ("192.168.0.2", false), ("", false), ("127.0.0", false),
            ("[::1]", true), ("[::1]evil.com", false), ("[::1", false), ("[localhost]", false), ("[127.0.0.1]", false),
            ("127.0.0.+1", false), ("127.0.0.256", false), ("127.0.0.1:", false), ("127.0.0.1:80a", false),
            ("127.0.0.1:+80", false), ("127.0.0.1:65536", false), ("localhost:80:80", false), ("[::1]:80:80", false),
            ("[::ffff:127.0.0.1]:80", true), ("[::ffff:127.0.0.+1]", false), ("[::2]", false), (":80", false),
        ])
    func loopbackHosts(host: String, isLoopback: Bool) {
        #expect(LoopbackOrigin.isLoopbackHost(host) == isLoopback)
    }

    @Test(
        "is not what passes a proxy has, or a page of another site",
        arguments: [
            ("x-forwarded-for", "203.0.113.9"), ("Forwarded", "for=203.0.113.9"), ("Via", "1.1 proxy"),
            ("X-Real-IP", "203.0.113.9"), ("x-forwarded-host", "example.org"), ("Sec-Fetch-Site", "cross-site"),
        ])
    func proxied(name: String, value: String) async throws {
        try await ScriptedNode().serve { client in
            let headers: HTTPFields = [try #require(HTTPField.Name(name)): value]
            try await client.expect(401, .get, "/api/admin/stats", key: nil, headers: headers)
            try await client.expect(200, .get, "/api/admin/stats", headers: headers)
            try await client.expect(
                200, .get, "/api/admin/stats", key: nil,
                headers: [try #require(HTTPField.Name("Sec-Fetch-Site")): "none"])
        }
    }

    @Test(
        "is judged by whom a trusted proxy names, and by nobody else's word",
        arguments: [
            ("127.0.0.1", ["203.0.113.9"], ["127.0.0.1"], "203.0.113.9", false),
            ("127.0.0.1", ["203.0.113.9"], [], "127.0.0.1", false),
            ("127.0.0.1", ["127.0.0.1"], [], "127.0.0.1", false),
            ("127.0.0.1", ["127.0.0.1"], ["127.0.0.1"], "127.0.0.1", false),
            ("192.0.2.1", ["127.0.0.1"], [], "192.0.2.1", false),
            ("192.0.2.1", ["127.0.0.1"], ["192.0.2.1"], "127.0.0.1", true),
            ("127.0.0.1", ["::1, 203.0.113.9"], ["127.0.0.1"], "203.0.113.9", false),
            ("127.0.0.1", ["203.0.113.9", "192.0.2.7"], ["127.0.0.1", "192.0.2.7"], "203.0.113.9", false),
            ("127.0.0.1", ["203.0.113.9, nonsense"], ["127.0.0.1"], "127.0.0.1", false),
            ("127.0.0.1", [""], ["127.0.0.1"], "127.0.0.1", false),
            ("127.0.0.1", ["2001:db8::1"], ["127.0.0.1"], "2001:db8::1", false),
            ("127.0.0.1", [], [], "127.0.0.1", true), ("192.0.2.1", [], ["192.0.2.1"], "192.0.2.1", false),
        ] as [(String, [String], Set<String>, String, Bool)])
    func proxies(remote: String, named: [String], trusted: Set<String>, address: String, isLoopback: Bool) throws {
        var headers = HTTPFields()
        for value in named { headers.append(HTTPField(name: .xForwardedFor, value: value)) }
        let origin = RequestOrigin(try SocketAddress(ipAddress: remote, port: 1), headers, trusting: trusted)
        #expect(origin.address == address)
        #expect(origin.isLoopback == isLoopback)
    }

    @Test(
        "is asked for in the same way however the path is written",
        arguments: ["//admin/api/users", "/admin//api/users/"])
    func slashes(path: String) async throws {
        var node = ScriptedNode()
        node.configuration.rateLimits = RateLimits(
            administrationPerMinute: 2, inferencePerMinute: 60, includesLoopback: true)
        try await node.serve { client in
            for status in [401, 401, 429] {
                let answer = try await client.client.executeRequest(uri: path, method: .get, headers: [:], body: nil)
                #expect(answer.status.code == status)
                #expect(try JSONValue(parsing: String(buffer: answer.body))["error"]?.string != nil)
            }
        }
    }

    @Test("reads no more of a log-in than two names take", arguments: ["login", "token", "password"])
    func largeLogIn(name: String) async throws {
        try await ScriptedNode().serve { client in
            let body = "[" + String(repeating: "0,", count: 20_000) + "0]"
            let answer = try await client.send(.post, "/api/auth/\(name)", text: body)
            #expect(answer.status == 413)
        }
    }

    @Test("without a key is nobody's")
    func emptyKey() {
        #expect(!NodeKey("").matches(""))
        #expect(NodeKey("a").matches("a"))
    }

    @Test("from elsewhere is no loopback access, and shutting down is for this machine alone")
    func rules() {
        let configuration = HTTPAPIConfiguration(apiKey: "k")
        #expect(throws: APIError.self) { () throws in
            try Access.openRead.check(.nobody, fault: nil, configuration: configuration)
        }
        #expect(throws: APIError.self) { try Access.metrics.check(.nobody, fault: nil, configuration: configuration) }
        let elsewhere = Caller.nodeKey(onLoopback: false)
        #expect(throws: Never.self) {
            try Access.administrator.check(elsewhere, fault: nil, configuration: configuration)
        }
        #expect {
            try Access.administratorOnLoopback.check(elsewhere, fault: nil, configuration: configuration)
        } throws: {
            ($0 as? APIError)?.status == .forbidden
        }
    }
}
