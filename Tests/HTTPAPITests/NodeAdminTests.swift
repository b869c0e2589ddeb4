import Accounts
import Bytes
import Catalogue
import GGUF
import Generation
import HTTPTypes
import Identifiers
import Inference
import JSON
import Link
import ModelLibrary
import NIOCore
import NodeAPI
import Swarm
import Synchronization
import Testing

@testable import HTTPAPI

@Suite("The node admin API")
struct NodeAdminTests {
    @Test("shows what a model's header says")
    func metadata() async throws {
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("general.name", to: .string("Demo"))
        writer.set("general.file_type", to: .uint32(15))
        writer.set("llama.block_count", to: .uint32(1))
        writer.set("llama.attention.layer_norm_rms_epsilon", to: .float32(1e-5))
        writer.set("tokenizer.ggml.tokens", to: .array(GGUFArray(["a", "b"])))
        try writer.add(tensor: "token_embd.weight", dimensions: [4, 2], values: [Float](repeating: 0, count: 8))
        try writer.add(tensor: "blk.0.attn_norm.weight", dimensions: [4], values: [0, 0, 0, 0])
        let model = try GGUFModel(sources: [(name: "demo.gguf", source: MemorySource(try writer.encoded()))])
        var node = ScriptedNode()
        node.models.header = { $0.rawValue == "demo" ? ModelMetadataBody(id: $0, model: model) : nil }
        try await node.serve { client in
            let answer = try await client.send(.get, "/api/admin/models/demo/metadata", key: nil)
            #expect(answer.status == 200)
            #expect(answer.json["general"]?["quantization"] == "Q4_K_M")
            #expect(answer.json["model"]?["vocab_size"] == 2)
            #expect(answer.json["model"]?["context_length"] == .some(.null))
            #expect(answer.json["model"]?["layer_norm_rms_epsilon"] == 1e-5)
            #expect(answer.json["raw"]?.array?.contains { $0["key"] == "tokenizer.ggml.tokens" } == false)
            try await client.expect(400, .get, "/api/admin/models/other/metadata")
            try await client.expect(400, .get, "/api/admin/models/..%2Fdemo/metadata")
        }
    }

    @Test("tells what a model lacks")
    func models() async throws {
        try await ScriptedNode().serve { client in
            let model = try await client.send(.get, "/api/admin/models").json[0]
            #expect(model?["status"] == "loaded")
            #expect(model?["source"] == "hybrid")
            #expect(model?["mode"] == "distributed")
            #expect(model?["hosted_shards"] == 1)
            #expect(model?["global_available"] == 2)
            #expect(model?["peers_hosting"] == 1)
            #expect(model?["shards"]?[1]?["holder_ids"] == ["0202020202020202"])
        }
    }

    @Test("shuts the node down")
    func shutDown() async throws {
        let calls = Mutex(0)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        var node = ScriptedNode()
        node.services.node.shutDown = { continuation.yield() }
        try await node.serve { client in
            try await client.expect(401, .post, "/api/admin/shutdown", key: nil)
            let answer = try await client.send(.post, "/api/admin/shutdown")
            #expect(answer.json == ["status": "shutting_down"])
        }
        continuation.finish()
        for await _ in stream { calls.withLock { $0 += 1 } }
        #expect(calls.withLock { $0 } == 1)
    }

    @Test(
        "says why a swarm cannot be joined",
        arguments: [
            (SwarmError.Code.badCode, 400, "code"), (.codeTooLong, 400, "code"), (.alreadyMember, 409, nil),
            (.unreachable, 502, nil), (.refused, 502, nil), (.notListening, 503, nil),
        ] as [(SwarmError.Code, Int, String?)])
    func join(code: SwarmError.Code, status: Int, parameter: String?) async throws {
        var node = ScriptedNode()
        node.services.swarm.join = { _ in throw SwarmError(code, "no") }
        try await node.serve { client in
            let answer = try await client.send(.post, "/api/admin/join-network", ["code": "swarm://x"])
            #expect(answer.status == status)
            #expect(answer.errorParameter == parameter)
        }
    }

    @Test(
        "refuses join requests that hold no code",
        arguments: [
            [:], ["code": ""], ["code": 1], ["code": .string(String(repeating: "a", count: 4097))],
            ["code": "a", "x": 1],
        ] as [JSONValue])
    func joinRefusals(body: JSONValue) async throws {
        try await ScriptedNode().serve { client in
            try await client.expect(400, .post, "/api/admin/join-network", body)
        }
    }

    @Test("tells unknown models and shards by 404, and hides what nobody foresaw")
    func failures() async throws {
        struct Unforeseen: Error {}
        var node = ScriptedNode()
        node.models.loading = { shard in
            if shard == 0 { throw InferenceError(.shardNotHeld, "shard 0 is not here") }
            throw LibraryError(.modelNotFound, "no such model")
        }
        node.models.rescanning = { throw Unforeseen() }
        try await node.serve { client in
            try await client.expect(404, .post, "/api/admin/models/demo/shards/0/load")
            try await client.expect(404, .post, "/api/admin/models/demo/shards/1/load")
            let answer = try await client.send(.post, "/api/admin/rescan-shards")
            #expect(answer.status == 500)
            #expect(!answer.text.contains("Unforeseen"))
        }
    }

    @Test("notes who was shown what lets others in", arguments: ["api-key", "network-code"])
    func shown(what: String) async throws {
        var node = ScriptedNode()
        node.services.accounts = ScriptedNode.accounts()
        let audit = node.services.accounts.audit
        try await node.serve { client in
            let answer = try await client.send(.get, "/api/admin/\(what)")
            #expect(answer.status == 200 && answer.headers[.cacheControl] == "no-store")
            try await client.expect(401, .get, "/api/admin/\(what)", key: nil)
        }
        #expect(
            try await audit.entries().map(\.action.description)
                == [what == "api-key" ? "node.show_key" : "swarm.show_code"])
    }

    @Test("is not ready while a part of the node is not")
    func readiness() async throws {
        var node = ScriptedNode()
        node.services.node.readiness = { [("engine", false), ("store", true)] }
        try await node.serve { client in
            let answer = try await client.send(.get, "/health/ready", key: nil)
            #expect(answer.status == 503)
            #expect(answer.json == ["ready": false, "subsystems": ["engine": false, "store": true]])
            try await client.expect(200, .get, "/health", key: nil)
        }
    }

    @Test("counts what it did")
    func metrics() async throws {
        try await ScriptedNode().serve { client in
            _ = try await client.send(.post, "/v1/chat/completions", ChatCompletionTests.question(("stream", true)))
            let text = try await client.send(.get, "/metrics", key: nil).text
            #expect(text.contains("shoal_build_info{version=\"1.2.3\"} 1\n"))
            #expect(
                text.contains(
                    "shoal_http_requests_total{method=\"POST\",route=\"/v1/chat/completions\",status=\"200\"} 1\n"))
            #expect(text.contains("shoal_first_token_seconds_count 1\n"))
            #expect(text.contains("shoal_loaded_windows{model=\"demo\"} 1\n"))
        }
    }
}

@Suite("JSON text")
struct JSONTextTests {
    @Test(
        "is what a parser reads back",
        arguments: ["", "a\"b\\c", "\n\r\t\u{0}\u{1F}", "é€😀", String(repeating: "x\n", count: 500)])
    func strings(text: String) throws {
        var json = JSONText()
        json.string(text)
        #expect(try JSONValue(parsing: String(buffer: json.buffer)) == .string(text))
    }

    @Test("has no infinities", arguments: [Double.infinity, -.infinity, .nan])
    func infinities(number: Double) {
        var json = JSONText()
        json.number(number)
        #expect(String(buffer: json.buffer) == "null")
    }
}
