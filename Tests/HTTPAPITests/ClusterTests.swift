import Accounts
import Cluster
import HTTPTypes
import JSON
import Link
import Store
import Testing

@testable import HTTPAPI

@Suite("The cluster over HTTP")
struct ClusterRouteTests {
    private static let driver = "/api/admin/cluster_nodes/set_driver"

    @Test("Tokens are made, shown once whole, listed by their first characters, and revoked")
    func tokens() async throws {
        try await ScriptedNode().serve { client in
            let made = try await client.send(.post, "/admin/api/cluster_tokens", ["name": "Worker Token"])
            #expect(made.status == 201)
            #expect(made.headers[.cacheControl] == "no-store")
            let text = try #require(made.json["token"]?.string)
            let token = try #require(ClusterToken(text))
            #expect(token.master == ScriptedNode.nodeID)
            #expect(made.json["id"] == 1)
            let listed = try await client.send(.get, "/admin/api/cluster_tokens")
            #expect(listed.json["tokens"]?[0]?.keys == ["id", "name", "token", "active", "created_at"])
            #expect(listed.json["tokens"]?[0]?["token"]?.string == "\(text.prefix(6))...")
            #expect(listed.json["tokens"]?[0]?["active"] == true)
            #expect(!listed.text.contains(text))
            #expect(listed.json.keys == ["tokens"])
            try await client.expect(200, .delete, "/admin/api/cluster_tokens/1")
            try await client.expect(200, .delete, "/admin/api/cluster_tokens/1")
            let revoked = try await client.send(.get, "/admin/api/cluster_tokens")
            #expect(revoked.json["tokens"]?[0]?["active"] == false)
        }
    }

    @Test(
        "Names that no token may have are refused", arguments: ["", " ", "a\u{7}b", String(repeating: "a", count: 101)])
    func names(name: String) async throws {
        try await ScriptedNode().serve { client in
            try await client.expect(400, .post, "/admin/api/cluster_tokens", ["name": .string(name)])
            try await client.expect(400, .post, "/admin/api/cluster_tokens", [:])
            try await client.expect(400, .post, "/admin/api/cluster_tokens", ["name": "a", "other": 1])
            let listed = try await client.send(.get, "/admin/api/cluster_tokens")
            #expect(listed.json["tokens"]?.array?.isEmpty == true)
        }
    }

    @Test("Ids that no token has are not found", arguments: ["0", "-1", "01", "1", "x", "99999999999999999999"])
    func unknownToken(id: String) async throws {
        try await ScriptedNode().serve { try await $0.expect(404, .delete, "/admin/api/cluster_tokens/\(id)") }
    }

    @Test("Lists come in pages where a limit is given")
    func pages() async throws {
        try await ScriptedNode().serve { client in
            for number in 1...5 {
                try await client.expect(201, .post, "/admin/api/cluster_tokens", ["name": .string("t\(number)")])
            }
            var names: [String] = []
            var after = ""
            for _ in 0..<3 {
                let page = try await client.send(.get, "/admin/api/cluster_tokens?limit=2\(after)")
                names += try #require(page.json["tokens"]?.array).compactMap { $0["name"]?.string }
                after = page.json["next"]?.string.map { "&after=\($0)" } ?? ""
            }
            #expect(names == (1...5).map { "t\($0)" })
            #expect(after.isEmpty)
            for query in ["limit=0", "limit=1001", "after=1", "limit=x", "other=1"] {
                try await client.expect(400, .get, "/admin/api/cluster_tokens?\(query)")
            }
            for path in ["/admin/api/cluster_clients", "/api/admin/cluster_nodes"] {
                let page = try await client.send(.get, "\(path)?limit=10")
                #expect(page.status == 200)
                #expect(page.json["next"]?.isNull == true)
            }
            try await client.expect(400, .get, "/api/admin/cluster_nodes?details=perhaps")
        }
    }

    @Test("A cluster that nobody works in has the figures of one")
    func empty() async throws {
        try await ScriptedNode().serve { client in
            let nodes = try await client.send(.get, "/api/admin/cluster_nodes")
            #expect(nodes.json["nodes"]?.array?.isEmpty == true)
            #expect(
                nodes.json["master_stats"]?.keys == [
                    "total_nodes", "connected_nodes", "total_workers", "total_active_jobs", "total_completed_jobs",
                    "uptime_seconds",
                ])
            let clients = try await client.send(.get, "/admin/api/cluster_clients")
            #expect(clients.json["clients"]?.array?.isEmpty == true)
        }
    }

    /// A form that sets a driver, as a client writes it.
    struct Form: CustomTestStringConvertible {
        let type: String?
        let body: String
        let status: Int
        var testDescription: String { "\(type ?? "no type"): \(body.prefix(60)) \(status)" }

        static let multipart = "multipart/form-data; boundary=x"
        static let urlencoded = "application/x-www-form-urlencoded"

        static func parts(_ fields: [(String, String)], file: Bool = false) -> String {
            fields.map { name, value in
                "--x\r\nContent-Disposition: form-data; name=\"\(name)\"\(file ? "; filename=\"f\"" : "")\r\n\r\n\(value)\r\n"
            }.joined() + "--x--\r\n"
        }
    }

    private static let fields = [("hostname", "w1"), ("token", "abc123..."), ("driver", "cuda")]

    /// There is no such node: what is well-formed gets 404.
    @Test(
        "A driver is set by forms of three kinds, and each says what is wrong with it",
        arguments: [
            Form(type: Form.multipart, body: Form.parts(fields), status: 404),
            Form(type: Form.urlencoded, body: "hostname=w1&token=abc%31%323...&driver=rocm", status: 404),
            Form(
                type: "application/json; charset=utf-8",
                body: #"{"hostname":"w1","token":"abc123...","driver":"cuda"}"#, status: 404),
            Form(type: nil, body: #"{"hostname":"w1","token":"abc123...","driver":"cuda"}"#, status: 404),
            Form(type: Form.urlencoded, body: "hostname=w+1&token=%2B&driver=cuda", status: 404),
            Form(
                type: Form.multipart, body: Form.parts([("hostname", "w1"), ("token", "x"), ("driver", "vulkan")]),
                status: 400),
            Form(type: Form.multipart, body: Form.parts([("hostname", "w1"), ("token", "x")]), status: 400),
            Form(type: Form.multipart, body: Form.parts(fields + [("driver", "rocm")]), status: 400),
            Form(type: Form.multipart, body: Form.parts(fields + [("other", "1")]), status: 400),
            Form(type: Form.multipart, body: Form.parts(fields, file: true), status: 400),
            Form(type: Form.multipart, body: String(Form.parts(fields).dropLast(8)), status: 400),
            Form(type: Form.multipart, body: "", status: 400),
            Form(type: "multipart/form-data", body: Form.parts(fields), status: 400),
            Form(
                type: Form.multipart, body: Form.parts([("hostname", String(repeating: "a", count: 70_000))]),
                status: 413),
            Form(type: Form.urlencoded, body: "hostname=%zz", status: 400),
            Form(type: Form.urlencoded, body: "hostname=%f", status: 400),
            Form(type: Form.urlencoded, body: "hostname=%ff&token=a&driver=cuda", status: 400),
            Form(type: Form.urlencoded, body: "driver=cuda&driver=cuda", status: 400),
            Form(type: Form.urlencoded, body: String(repeating: "a", count: 70_000), status: 413),
            Form(type: "application/json", body: "[]", status: 400),
            Form(type: "application/json", body: #"{"hostname":1,"token":"a","driver":"cuda"}"#, status: 400),
            Form(type: "text/plain", body: "driver=cuda", status: 415),
        ])
    func forms(form: Form) async throws {
        try await ScriptedNode().serve { client in
            let headers: HTTPFields = form.type.map { [.contentType: $0] } ?? [:]
            let answer = try await client.send(.post, Self.driver, text: form.body, headers: headers)
            #expect(answer.status == form.status, "\(answer.text)")
            #expect(answer.json["error"]?.string != nil)
        }
    }

    @Test("Every change is in the audit log, with who made it and without the secret")
    func audit() async throws {
        let node = ScriptedNode()
        try await node.serve { client in
            let made = try await client.send(.post, "/admin/api/cluster_tokens", ["name": "Worker Token"])
            let text = try #require(made.json["token"]?.string)
            try await client.expect(
                404, .post, Self.driver, ["hostname": "w1", "token": .string(text), "driver": "cuda"])
            try await client.expect(200, .delete, "/admin/api/cluster_tokens/1")
            try await client.expect(404, .delete, "/admin/api/cluster_tokens/7")
            let entries = try await node.services.accounts.audit.entries()
            #expect(
                entries.reversed().map { "\($0.action) \($0.outcome) \($0.subject.description)" } == [
                    "cluster_token.create done cluster_token 1 Worker Token",
                    "cluster_node.set_driver refused cluster_node w1",
                    "cluster_token.revoke done cluster_token 1 Worker Token",
                    "cluster_token.revoke refused cluster_token 7",
                ])
            #expect(entries.allSatisfy { $0.actor == "node key" && $0.address == "127.0.0.1" })
            let log = try await client.send(.get, "/admin/api/audit")
            #expect(!log.text.contains(text.prefix(20)))
        }
    }
}
