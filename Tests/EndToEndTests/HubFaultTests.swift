import JSON
import ShoalTestSupport
import StandIn
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension EndToEnd {
    /// A hub that lies, breaks off, stalls or refuses while shards come from it.
    @Suite struct HubFaultTests {
        /// What comes of asking for a model.
        enum Outcome: Sendable {
            /// The request is answered with this status, and nothing begins.
            case refused(Int, saying: String)
            case failed(because: String)
            case complete
        }

        /// Something that the hub does to one repository. The repository, its file and the model have the name.
        struct Trouble: Sendable {
            let name: String
            /// As `Tests/StandInHub/faults.py` has them, without `path`.
            var faults: [[(String, JSONValue)]]
            /// Requests for tensors that the faults spare, after those for the header; nil: they spare nothing.
            var spared: Int? = 0
            let outcome: Outcome

            var repository: String { "tests/\(name)" }
            var file: String { "\(name).gguf" }
        }

        private static func store(
            _ name: String, _ fault: [(String, JSONValue)], _ outcome: Outcome
        ) -> Trouble {
            Trouble(name: name, faults: [[("host", "store")] + fault], outcome: outcome)
        }

        private static let troubles: [Trouble] = [
            Trouble(
                name: "claimed-larger", faults: [[("kind", "size"), ("size", 5_000_000)]], spared: nil,
                outcome: .refused(502, saying: "5000000 on the hub")),
            Trouble(
                name: "claimed-smaller", faults: [[("kind", "size"), ("size", 1_000_000)]], spared: nil,
                outcome: .refused(502, saying: "1000000 on the hub")),
            Trouble(
                name: "gated", faults: [[("kind", "gate"), ("repository", "tests/gated")]], spared: nil,
                outcome: .refused(502, saying: "is gated")),
            Trouble(
                name: "down-at-first", faults: [[("kind", "status"), ("status", 503), ("times", 1)]],
                spared: nil, outcome: .complete),
            Trouble(
                name: "changed-silently",
                faults: [[("kind", "change"), ("host", "store")], [("kind", "no_etag"), ("host", "store")]],
                outcome: .failed(because: "SHA-256")),
            store("changed", [("kind", "change")], .failed(because: "changed")),
            Trouble(
                name: "changed-between", faults: [[("host", "store"), ("kind", "change")]], spared: 2,
                outcome: .failed(because: "changed")),
            Trouble(
                name: "cut-off-between", faults: [[("host", "store"), ("kind", "truncate"), ("after", 0)]], spared: 3,
                outcome: .failed(because: "check the network")),
            store("short", [("kind", "short"), ("missing", 1000)], .failed(because: "contradicts itself")),
            store("short-once", [("kind", "short"), ("missing", 1000), ("times", 1)], .complete),
            store("long", [("kind", "long"), ("extra", 1000)], .failed(because: "contradicts itself")),
            store("long-once", [("kind", "long"), ("extra", 1000), ("times", 1)], .complete),
            store("cut-off", [("kind", "truncate"), ("after", 0)], .failed(because: "check the network")),
            store("cut-off-each-time", [("kind", "truncate"), ("after", 100_000)], .complete),
            store("stalled", [("kind", "stall"), ("after", 0), ("seconds", 5)], .failed(because: "nothing")),
            store("stalled-once", [("kind", "stall"), ("after", 9000), ("seconds", 5), ("times", 1)], .complete),
            store("busy", [("kind", "status"), ("status", 429), ("retry_after", 1), ("times", 2)], .complete),
            store(
                "too-busy", [("kind", "status"), ("status", 429), ("retry_after", 100_000)],
                .failed(because: "asks to wait")),
            store("down", [("kind", "status"), ("status", 503)], .failed(because: "503")),
            store("down-briefly", [("kind", "status"), ("status", 503), ("times", 3)], .complete),
            store("whole-file", [("kind", "ignore_range")], .complete),
            store("other-bytes", [("kind", "wrong_range"), ("shift", 4096)], .failed(because: "other bytes")),
            store("hung-up", [("kind", "drop")], .failed(because: "check the network")),
            store("hung-up-once", [("kind", "drop"), ("times", 1)], .complete),
            store("without-tag", [("kind", "no_etag")], .complete),
            store("expired", [("kind", "expire")], .complete),
        ]

        /// Patience that a test has time for.
        private static func setup(_ hub: StandInHub) -> NodeSetup {
            NodeSetup(environment: [
                "HF_ENDPOINT": hub.url, "SHOAL_MODELS_SHARD_SIZE_MB": "1", "SHOAL_HUB_STALL_SECONDS": "1.6",
                "SHOAL_HUB_ATTEMPTS": "2", "SHOAL_DOWNLOADS_ATTEMPTS": "2",
                "SHOAL_DOWNLOADS_LONGEST_PAUSE_SECONDS": "0.2", "SHOAL_AUTO_MANAGE_MAX_CONCURRENT_DOWNLOADS": "16",
            ])
        }

        @Test
        func `whatever the hub does wrong is said, leads to nothing wrong on the disk, and is over when it is over`()
            async throws
        {
            let model = try [UInt8](Data(contentsOf: URL(filePath: BuildProducts.demoModel)))
            let files = Dictionary(uniqueKeysWithValues: Self.troubles.map { ("\($0.repository)/\($0.file)", model) })
            try await withStandInHub(files: files) { hub in
                try await withNode(Self.setup(hub)) { node in
                    let headerRequests = try await Self.headerRequests(node, hub)
                    for trouble in Self.troubles {
                        for fault in trouble.faults {
                            let path = fault[0].1 == "size" ? trouble.file : "/\(trouble.name)/"
                            let skip = trouble.spared.map { headerRequests + $0 } ?? 0
                            try await hub.fault(
                                JSONValue.object(fault + [("path", .string(path)), ("skip", .integer(skip))])
                                    .serialized())
                        }
                    }
                    try await withThrowingDiscardingTaskGroup { group in
                        for trouble in Self.troubles {
                            group.addTask { try await Self.check(trouble, on: node, model: model) }
                        }
                    }
                    try await hub.reset()
                    for trouble in Self.troubles {
                        let answer = try await node.pull(trouble.repository, trouble.file)
                        #expect(
                            answer.status == 200, "\(trouble.name): \(String(decoding: answer.body, as: UTF8.self))")
                    }
                    for trouble in Self.troubles {
                        let download = try await node.outcome(of: trouble.name)
                        #expect(download.state == "complete", "\(trouble.name): \(download)")
                        try await node.expectHolds([0, 1, 2, 3], of: trouble.name, like: model, "\(trouble.name)")
                    }
                }
            }
        }

        /// Requests that reading a header takes of the file store.
        private static func headerRequests(_ node: TestNode, _ hub: StandInHub) async throws -> Int {
            let answer = try await node.request(
                .get, "/api/admin/hf/probe?repo_id=tests/whole-file&filename=whole-file.gguf")
            try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
            return try await hub.ranges().count
        }

        private static func check(_ trouble: Trouble, on node: TestNode, model: [UInt8]) async throws {
            let answer = try await node.pull(trouble.repository, trouble.file)
            let text = String(decoding: answer.body, as: UTF8.self)
            if case .refused(let status, let words) = trouble.outcome {
                #expect(answer.status == status, "\(trouble.name): \(text)")
                #expect(text.contains(words), "\(trouble.name): \(text)")
                #expect(try await node.download(of: trouble.name) == nil, "\(trouble.name)")
                #expect(try await node.localShards(of: trouble.name) == nil, "\(trouble.name)")
                return
            }
            #expect(answer.status == 200, "\(trouble.name): \(text)")
            let download = try await node.outcome(of: trouble.name, within: .seconds(60))
            switch trouble.outcome {
            case .complete:
                #expect(download.state == "complete", "\(trouble.name): \(download)")
                try await node.expectHolds([0, 1, 2, 3], of: trouble.name, like: model, "\(trouble.name)")
            case .failed(let words):
                #expect(download.state == "failed", "\(trouble.name): \(download)")
                #expect(!download.reason.isEmpty && download.reason.contains(words), "\(trouble.name): \(download)")
                let held = words == "SHA-256" ? [] : download.complete
                try await node.expectHolds(held, of: trouble.name, like: model, "\(trouble.name)")
            case .refused: break
            }
        }

        @Test func `a repository that does not exist is said to be missing`() async throws {
            try await withStandInHub(files: [:]) { hub in
                try await withNode(Self.setup(hub)) { node in
                    let answer = try await node.pull("tests/nowhere", "nowhere.gguf")
                    let text = String(decoding: answer.body, as: UTF8.self)
                    #expect(answer.status == 404, "\(text)")
                    #expect(text.contains("tests/nowhere"), "\(text)")
                    #expect(try await node.get("/api/admin/downloads")["total"] == 0)
                }
            }
        }
    }
}
