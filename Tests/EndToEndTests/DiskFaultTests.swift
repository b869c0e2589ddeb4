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
    /// A data directory on a disk that is full, or read-only.
    @Suite(.enabled(if: SmallDisk.isAllowed, SmallDisk.notAllowed)) struct DiskFaultTests {
        /// Megabytes that models leave free; see `DownloadParts`.
        private static let reserve = 32

        private static func setup(_ hub: StandInHub) -> NodeSetup {
            NodeSetup(environment: [
                "HF_ENDPOINT": hub.url, "SHOAL_MODELS_SHARD_SIZE_MB": "1",
                "SHOAL_DOWNLOADS_ROOM_INTERVAL_SECONDS": "0.3", "SHOAL_DOWNLOADS_ATTEMPTS": "2",
            ])
        }

        /// Runs `body` with a hub that has the demo model as `tests/demo/demo.gguf`.
        private static func withHub(_ body: (StandInHub, [UInt8]) async throws -> Void) async throws {
            let model = try [UInt8](Data(contentsOf: URL(filePath: BuildProducts.demoModel)))
            try await withStandInHub(files: ["tests/demo/demo.gguf": model]) { try await body($0, model) }
        }

        @Test func `what does not fit is refused before anything is written, and what fits comes`() async throws {
            try await Self.withHub { hub, model in
                try await SmallDisk.with(megabytes: Self.reserve + 3) { disk in
                    try await withNode(Self.setup(hub), in: disk.path) { node in
                        let answer = try await node.pull("tests/demo", "demo.gguf")
                        let text = String(decoding: answer.body, as: UTF8.self)
                        #expect(answer.status == 507, "\(text)")
                        #expect(text.contains("free some space"), "\(text)")
                        #expect(try await node.get("/api/admin/downloads")["total"] == 0)
                        #expect(try await node.localShards(of: "demo") == nil)
                        #expect(try Self.entries(disk.path + "/models").isEmpty)
                        #expect(try await node.pull("tests/demo", "demo.gguf", shards: [1]).status == 200)
                        let download = try await node.outcome(of: "demo")
                        #expect(download.state == "complete", "\(download)")
                        try await node.expectHolds([1], of: "demo", like: model)
                    }
                }
            }
        }

        @Test(arguments: [0, 20])
        func `a download whose room vanishes waits, says so, and goes on when there is room`(leaving megabytes: Int)
            async throws
        {
            try await Self.withHub { hub, model in
                try await SmallDisk.with(megabytes: Self.reserve + 8) { disk in
                    try await withNode(Self.setup(hub), in: disk.path) { node in
                        try await hub.fault(#"{"kind": "slow", "host": "store", "bytes_per_second": 300000}"#)
                        #expect(try await node.pull("tests/demo", "demo.gguf").status == 200)
                        _ = try await eventually("bytes come") {
                            let bytes = try await node.download(of: "demo")?.json["downloaded_bytes"]?.integer ?? 0
                            return bytes > 0 ? true : nil
                        }
                        try disk.fill(leaving: megabytes)
                        // A shard whose bytes were all here may be verified a moment later: ten looks have to find the same.
                        var (complete, looks) = (Set<Int>?.none, 0)
                        let paused = try await eventually("the download pauses") { () -> ShownDownload? in
                            let download = try await node.download(of: "demo")
                            let local = try await node.localShards(of: "demo") ?? []
                            guard let download, download.state == "paused", download.complete == local else {
                                return nil
                            }
                            (complete, looks) = (local, complete == local ? looks + 1 : 0)
                            return looks < 10 ? nil : download
                        }
                        #expect(paused.reason.contains("free") || paused.reason.contains("more than"), "\(paused)")
                        try await node.expectHolds(paused.complete, of: "demo", like: model)
                        try await Self.checkAnswers(of: node, onFullDisk: megabytes == 0)
                        disk.removeFiller()
                        try await hub.reset()
                        let download = try await node.outcome(of: "demo")
                        #expect(download.state == "complete", "\(download)")
                        try await node.expectHolds([0, 1, 2, 3], of: "demo", like: model)
                    }
                }
            }
        }

        /// A node whose database cannot grow goes on answering, and says what it cannot do.
        private static func checkAnswers(of node: TestNode, onFullDisk isFull: Bool) async throws {
            for path in ["/health", "/api/admin/models", "/api/admin/shard-storage", "/api/admin/peers"] {
                #expect(try await node.request(.get, path).status == 200, "\(path)")
            }
            let pull = try await node.pull("tests/demo", "demo.gguf")
            #expect(pull.status == 507, "\(String(decoding: pull.body, as: UTF8.self))")
            guard isFull else { return }
            // What a full database file has room for inside is taken; sooner or later there is none.
            for index in 0..<200 {
                let answer = try await node.request(
                    .put, "/api/admin/models/demo/shards/\(index % 4)/lock", ["locked": .bool(index / 4 % 2 == 0)])
                let text = String(decoding: answer.body, as: UTF8.self)
                #expect([200, 507].contains(answer.status), "\(answer.status) \(text)")
                if answer.status == 507 {
                    #expect(text.contains("free some space"), "\(text)")
                    return
                }
            }
        }

        @Test func `a node that cannot start on a full disk says so, and starts when there is room`() async throws {
            try await SmallDisk.with(megabytes: Self.reserve + 8) { disk in
                try await withNode(NodeSetup(), in: disk.path) { _ in }
                try disk.fill()
                let run = try await CommandRun.shoal(["serve", "--data-dir", disk.path, "--port", "0"])
                #expect(run.status == 1)
                #expect(run.errors.contains("free some space"), "\(run.errors)")
                disk.removeFiller()
                try await withNode(NodeSetup(), in: disk.path) { _ = try await $0.get("/health") }
            }
        }

        @Test func `a data directory on a read-only disk ends the start with what is wrong`() async throws {
            try await SmallDisk.with(megabytes: Self.reserve) { disk in
                try await withNode(NodeSetup(), in: disk.path) { _ in }
                try disk.remount(readOnly: true)
                let run = try await CommandRun.shoal(["serve", "--data-dir", disk.path, "--port", "0"])
                #expect(run.status == 1)
                #expect(run.errors.contains(disk.path) && run.errors.contains("read-only"), "\(run.errors)")
                try disk.remount(readOnly: false)
                try await withNode(NodeSetup(), in: disk.path) { _ = try await $0.get("/health") }
            }
        }

        @Test func `when the disk becomes read-only, downloads fail with the reason, and the node goes on`()
            async throws
        {
            try await Self.withHub { hub, model in
                try await SmallDisk.with(megabytes: Self.reserve + 8) { disk in
                    try await withNode(Self.setup(hub), in: disk.path) { node in
                        try await hub.fault(#"{"kind": "slow", "host": "store", "bytes_per_second": 400000}"#)
                        #expect(try await node.pull("tests/demo", "demo.gguf").status == 200)
                        _ = try await eventually("bytes come") {
                            let bytes = try await node.download(of: "demo")?.json["downloaded_bytes"]?.integer ?? 0
                            return bytes > 0 ? true : nil
                        }
                        try await disk.whileReadOnly {
                            let download = try await node.outcome(of: "demo")
                            #expect(download.state == "failed", "\(download)")
                            #expect(download.reason.contains("read-only"), "\(download)")
                            try await node.expectHolds(download.complete, of: "demo", like: model)
                            let answer = try await node.request(
                                .post, "/api/admin/hf/download-shards",
                                [
                                    "repo_id": "tests/demo", "filename": "demo.gguf", "all_shards": true,
                                    "model_id": "another",
                                ])
                            let text = String(decoding: answer.body, as: UTF8.self)
                            #expect((400..<600).contains(answer.status), "\(answer.status) \(text)")
                            #expect(text.contains("read-only"), "\(text)")
                            #expect(try await node.localShards(of: "another") == nil)
                            #expect(try await node.get("/health")["status"] == "ok")
                        }
                        try await hub.reset()
                        #expect(try await node.pull("tests/demo", "demo.gguf").status == 200)
                        let download = try await node.outcome(of: "demo")
                        #expect(download.state == "complete", "\(download)")
                        try await node.expectHolds([0, 1, 2, 3], of: "demo", like: model)
                    }
                }
            }
        }

        private static func entries(_ folder: String) throws -> [String] {
            guard FileManager.default.fileExists(atPath: folder) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                !$0.hasPrefix(".") && $0 != "loras"
            }
        }
    }
}
