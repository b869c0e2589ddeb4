import Acquisition
import Catalogue
import FoundationEssentials
import HTTPTypes
import JSON
import Link
import ModelLibrary
import Testing

@testable import HTTPAPI

@Suite("Coming to hold models")
struct AcquisitionTests {
    private static let models = "/api/admin/models/demo"

    @Test("shows a download in the list of models, in its status and in the list of downloads")
    func progress() async throws {
        var node = ScriptedNode()
        node.models.list = {
            var summary = ScriptedNode.summary
            summary.download = ScriptedNode.download
            summary.trust = .pinned
            summary.origin = ScriptedNode.origin
            summary.projector = .init(isLocal: false, holders: [ScriptedNode.id(2)])
            summary.shards[0].isLocked = true
            summary.shards[1].fetchers = [
                .init(node: ScriptedNode.id(3), percent: 40), .init(node: ScriptedNode.id(2)),
            ]
            return ModelSummaryList([summary])
        }
        try await node.serve { client in
            let model = try await client.send(.get, "/api/admin/models").json[0]
            #expect(model?["trust_level"] == "Pinned")
            #expect(model?["hf_source"] == ["repo_id": "owner/demo-GGUF", "filename": "quants/demo.Q4_K_M.gguf"])
            #expect(
                model?["mmproj"]
                    == ["available": true, "local": false, "holders": 1, "holder_ids": ["0202020202020202"]])
            #expect(model?["acquisition"] == "downloading")
            #expect(
                model?["acquisition_progress"] == [
                    "downloaded_bytes": 200, "total_bytes": 800, "downloaded_shards": 1, "speed_bytes_per_sec": 60,
                    "source": "mixed", "trigger": "user",
                ])
            #expect(model?["shards"]?[0]?["locked"] == true)
            #expect(model?["shards"]?[0]?["download"] == nil)
            #expect(
                model?["shards"]?[1]?["download"]
                    == ["state": "Downloading", "progress_pct": 33, "downloaded_bytes": 100, "total_bytes": 300])
            #expect(
                model?["shards"]?[1]?["peer_downloads"] == [
                    ["node_id": "0303030303030303", "progress_pct": 40],
                    ["node_id": "0202020202020202", "progress_pct": nil],
                ])

            let status = try await client.send(.get, Self.models + "/status", key: nil).json
            #expect(status["state"] == "downloading")
            #expect(status["shard_progress"]?["1"]?["state"] == "downloading")
            #expect(status["log"] == ["begun", "shard 0 is here"])
            #expect(status["source"] == "mixed")

            let listed = try await client.send(.get, "/api/admin/downloads", key: nil).json["downloads"]?[0]
            #expect(listed?["overall_pct"] == 25)
            #expect(listed?["eta_secs"] == 10)
            #expect(listed?["cancellable"] == true)
            #expect(listed?["log"] == ["shard 0 is here", "begun"])
            #expect(listed?["shard_details"]?[0]?["source"] == "peers")
        }
    }

    @Test("tells every state of a download")
    func states() async throws {
        let states: [(DownloadStatus.State, JSONValue)] = [
            (.complete, "complete"), (.failed(reason: "it is \"gated\""), ["failed": ["reason": "it is \"gated\""]]),
            (.cancelled, "cancelled"),
            (.paused(reason: "the disk is full"), ["paused": ["reason": "the disk is full"]]),
            (.awaitingManifest, "awaiting_manifest"), (.downloading, "downloading"),
        ]
        var node = ScriptedNode()
        node.downloads.list = {
            states.enumerated().map { place, state in
                var download = ScriptedNode.download
                download.state = state.0
                download.startedAt.addTimeInterval(Double(place))
                return download
            }
        }
        try await node.serve { client in
            let list = try await client.send(.get, "/api/admin/downloads").json
            #expect(list["total"] == 6)
            // What goes on comes first, then what is newest.
            let order = [5, 4, 3, 2, 1, 0]
            #expect(list["downloads"]?.array?.compactMap { $0["state"] } == order.map { states[$0].1 })
        }
    }

    @Test("says unknown of a model that nothing was fetched of")
    func unknown() async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.get, "/api/admin/models/other/status")
            #expect(answer.status == 200)
            #expect(answer.json["state"] == "unknown")
            try await client.expect(404, .get, "/api/admin/hf/source/other")
        }
    }

    @Test(
        "says where a shard comes from",
        arguments: [
            (0, ["status": "already_local", "model_id": "demo", "shard_index": 0]),
            (
                1,
                [
                    "status": "downloading", "source": "p2p", "peer": "0202020202020202", "model_id": "demo",
                    "shard_index": 1,
                ]
            ),
            (
                2,
                [
                    "status": "use_hf", "source": "huggingface", "repo_id": "owner/demo-GGUF",
                    "filename": "quants/demo.Q4_K_M.gguf", "model_id": "demo", "shard_index": 2,
                ]
            ),
        ] as [(Int, JSONValue)])
    func shard(index: Int, expected: JSONValue) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.send(.post, Self.models + "/shards/\(index)/download")
            #expect(answer.json == expected)
        }
    }

    @Test(
        "says why it cannot be",
        arguments: [
            (.noSource, 400), (.noDownload, 400), (.badPolicy, 400), (.supplierFailed, 502), (.notHeldThere, 502),
            (.damaged, 502), (.diskFull, 507),
        ] as [(AcquisitionError.Code, Int)])
    func refusals(code: AcquisitionError.Code, status: Int) async throws {
        var node = ScriptedNode()
        node.acquirer.adding = { throw AcquisitionError(code, field: "id", "no") }
        try await node.serve { client in
            let answer = try await client.send(.post, Self.models + "/add")
            #expect(answer.status == status)
            #expect(answer.errorParameter == "id")
        }
    }

    @Test("replaces a policy as a whole, and a schedule in part")
    func settings() async throws {
        let (policies, continuation) = AsyncStream.makeStream(of: ModelPolicy.self)
        var node = ScriptedNode()
        node.keeper.settingPolicy = { continuation.yield($0) }
        try await node.serve { client in
            let answer = try await client.send(.put, Self.models + "/auto-manage", ["max_shards": 3])
            #expect(
                answer.json
                    == ["status": "ok", "model_id": "demo", "enabled": true, "max_shards": 3, "prune_enabled": true])
            let schedule = try await client.send(.put, "/api/admin/schedule", ["reduced_hours_start": 1])
            #expect(schedule.json["reduced_hours_start"] == 1)
            #expect(schedule.json["reduced_hours_end"] == 8)
            #expect(schedule.json["status"] == "ok")
        }
        continuation.finish()
        let seen = await policies.reduce(into: []) { $0.append($1) }
        #expect(seen == [try ModelPolicy(isEnabled: true, maximumShards: 3, allowsPruning: true)])
    }

    @Test("finds nothing where nothing is looked for")
    func emptySearch() async throws {
        let calls = RecordedCalls()
        try await ScriptedNode(recording: calls).serve { client in
            for query in ["", "?query=", "?q=%20+"] {
                let answer = try await client.send(.get, "/api/admin/hf/search" + query)
                #expect(answer.json == [])
            }
        }
        #expect(calls.all == [])
    }
}
