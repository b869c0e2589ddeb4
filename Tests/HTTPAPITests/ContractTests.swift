import HTTPTypes
import JSON
import Logging
import Testing

@testable import HTTPAPI

@Suite("The contract")
struct ContractTests {
    @Test("describes every route that is served, and nothing else")
    func routes() throws {
        let node = ScriptedNode()
        let server = HTTPAPI.server(
            configuration: node.configuration, services: node.services, logger: Logger(label: "test"))
        #expect(Set(server.routeNames) == (try Contract().operations))
    }

    @Test(
        "holds for what every reading route answers",
        arguments: [
            "/health", "/health/ready", "/metrics", "/openapi.yaml", "/v1/models", "/v1/models/demo",
            "/api/admin/stats",
            "/api/admin/peers", "/api/admin/models", "/api/admin/network-code", "/api/admin/api-key",
            "/api/admin/models/demo/status", "/api/admin/models/demo/auto-manage", "/api/admin/downloads",
            "/api/admin/shard-storage", "/api/admin/prune-history", "/api/admin/schedule",
            "/api/admin/hf/search?query=demo", "/api/admin/hf/files?repo_id=owner/name",
            "/api/admin/hf/probe?repo_id=owner/name&filename=demo.gguf", "/api/admin/hf/source/demo",
        ])
    func reads(path: String) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.get, path)
            #expect(answer.status == 200)
            try await client.expect(200, .head, path)
        }
    }

    @Test(
        "holds for what every route answers that changes something",
        arguments: [
            ("/api/admin/models/demo/unload", nil), ("/api/admin/models/demo/shards/1/load", nil),
            ("/api/admin/models/demo/shards/1/unload", nil), ("/api/admin/rescan-shards", nil),
            ("/api/admin/models/demo/add", nil), ("/api/admin/models/demo/shards/2/download", nil),
            ("/api/admin/downloads/demo/cancel", nil),
            (
                "/api/admin/hf/download-shards",
                ["repo_id": "owner/name", "filename": "demo.gguf", "peer_fair_share": true]
            ),
            ("/api/admin/shutdown", nil), ("/api/admin/join-network", ["code": "swarm://abc"]),
            ("/tokenize", ["content": "hé", "with_pieces": true]), ("/tokenize", ["content": "hé"]),
            ("/detokenize", ["tokens": [104, 105]]), ("/v1/embeddings", ["model": "demo", "input": "a"]),
            ("/v1/completions", ["model": "demo", "prompt": "a"]),
            ("/v1/chat/completions", ["model": "demo", "messages": [["role": "user", "content": "a"]]]),
        ] as [(String, JSONValue?)])
    func writes(path: String, body: JSONValue?) async throws {
        try await ScriptedNode().serve { client in
            try await client.expect(200, .post, path, body)
        }
    }

    @Test(
        "holds for what every route answers that deletes something",
        arguments: ["/api/admin/models/demo", "/api/admin/models/demo/shards/1"])
    func deletions(path: String) async throws {
        try await ScriptedNode().serve { client in
            try await client.expect(200, .delete, path)
            try await client.expect(401, .delete, path, key: nil)
        }
    }

    @Test(
        "holds for what every route answers that replaces something",
        arguments: [
            ("/api/admin/models/demo/auto-manage", ["enabled": false, "max_shards": 2, "prune_enabled": false]),
            ("/api/admin/models/demo/shards/0/lock", ["locked": true]),
            ("/api/admin/schedule", ["enabled": true, "prune_aggressiveness": "aggressive"]),
        ] as [(String, JSONValue)])
    func replacements(path: String, body: JSONValue) async throws {
        try await ScriptedNode().serve { client in
            try await client.expect(200, .put, path, body)
            try await client.expect(401, .put, path, body, key: nil)
        }
    }

    @Test("is served as it is")
    func served() async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.get, "/openapi.yaml", key: nil)
            #expect(try answer.text == Contract.text())
        }
    }
}
