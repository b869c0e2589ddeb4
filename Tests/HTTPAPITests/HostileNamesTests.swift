import Acquisition
import HTTPTypes
import JSON
import ModelLibrary
import Synchronization
import Testing

@testable import HTTPAPI

@Suite("Names and numbers from outside")
struct HostileNamesTests {
    @Test("that lead astray are refused with 4xx that names the field, and nothing is asked to act on them")
    func table() async throws {
        let requests = try HostileRequest.all()
        #expect(requests.count >= 60)
        let calls = RecordedCalls()
        try await ScriptedNode(recording: calls).serve { client in
            for request in requests {
                let answer = try await client.send(request.method, request.path, request.body)
                #expect((400..<500).contains(answer.status), "\(request): \(answer.status) \(answer.text)")
                #expect(answer.errorParameter == request.parameter, "\(request): \(answer.text)")
                #expect(calls.all == [], "\(request)")
            }
        }
    }

    @Test("that are plain reach what they ask for")
    func plain() async throws {
        let calls = RecordedCalls()
        try await ScriptedNode(recording: calls).serve { client in
            for path in ["/add", "/unload", "/shards/0/download", "/shards/65535/load", "/shards/0/unload"] {
                try await client.expect(200, .post, "/api/admin/models/tinyllama-1.1b.q4-k-m" + path)
            }
            try await client.expect(200, .put, "/api/admin/models/demo/shards/0/lock", ["locked": true])
            try await client.expect(200, .put, "/api/admin/models/demo/auto-manage", [:])
            try await client.expect(200, .put, "/api/admin/schedule", ["enabled": true])
            try await client.expect(200, .post, "/api/admin/downloads/demo/cancel")
            try await client.expect(200, .delete, "/api/admin/models/demo/shards/0")
            try await client.expect(200, .delete, "/api/admin/models/demo")
            for path in [
                "search?query=tiny%20llama&tasks=chat,code&limit=5", "search?q=a+b", "files?repo_id=owner/name",
                "probe?repo_id=Owner%2Fna.me_1&filename=Q4%2Fdemo-00001-of-00002.gguf&revision=refs/pr/1",
            ] {
                try await client.expect(200, .get, "/api/admin/hf/" + path)
            }
            for selection: (String, JSONValue) in [
                ("all_shards", true), ("peer_fair_share", true), ("shards", [0, 2]),
            ] {
                let body = JSONValue.object([
                    ("repo_id", "owner/name"), ("filename", "sub/demo.gguf"), ("model_id", nil), selection,
                ])
                try await client.expect(200, .post, "/api/admin/hf/download-shards", body)
            }
        }
        #expect(calls.all.count == 18)
        #expect(calls.all.contains("search a b"))
        #expect(calls.all.contains("search tiny llama"))
    }
}

/// What a node was asked to do, in order.
final class RecordedCalls: Sendable {
    private let calls = Mutex<[String]>([])

    var all: [String] { calls.withLock { $0 } }

    func add(_ call: String) { calls.withLock { $0.append(call) } }
}

extension ScriptedNode {
    /// A node that writes down every call that concerns models.
    init(recording calls: RecordedCalls) {
        var node = ScriptedNode()
        node.models.calls = calls
        node.downloads.calls = calls
        node.acquirer.calls = calls
        node.keeper.calls = calls
        node.hub.calls = calls
        self = node
    }
}
