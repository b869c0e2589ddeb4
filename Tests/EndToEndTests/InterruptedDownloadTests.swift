import GGUF
import JSON
import ModelLibrary
import ShoalTestSupport
import StandIn
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension EndToEnd {
    /// Downloads whose sender or receiver is killed, and senders whose bytes are wrong.
    @Suite struct InterruptedDownloadTests {
        private static func setup(_ name: String, _ hub: StandInHub, diesInTest: Bool = false) -> NodeSetup {
            NodeSetup(
                name: name,
                environment: [
                    "HF_ENDPOINT": hub.url, "SHOAL_MODELS_SHARD_SIZE_MB": "\(DemoModel.shardSizeMegabytes)",
                    "SHOAL_DOWNLOADS_LONGEST_PAUSE_SECONDS": "0.3",
                ], diesInTest: diesInTest)
        }

        /// Runs `body` with a hub that has the demo model.
        private static func withHub(_ body: (StandInHub, [UInt8]) async throws -> Void) async throws {
            let model = try [UInt8](Data(contentsOf: URL(filePath: BuildProducts.demoModel)))
            try await withStandInHub(files: ["tests/\(DemoModel.id)/\(DemoModel.id).gguf": model]) {
                try await body($0, model)
            }
        }

        private static func pull(_ node: TestNode) async throws {
            let answer = try await node.pull("tests/\(DemoModel.id)", "\(DemoModel.id).gguf")
            try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
        }

        private static func downloadedBytes(_ node: TestNode) async throws -> Int {
            try await node.download(of: DemoModel.id)?.json["downloaded_bytes"]?.integer ?? 0
        }

        @Test func `a download goes on by itself after its node was killed, and what came does not come again`()
            async throws
        {
            try await Self.withHub { hub, model in
                try await withDataDirectory { directory in
                    try await hub.fault(#"{"kind": "slow", "host": "store", "bytes_per_second": 300000}"#)
                    try await withNode(Self.setup("killed", hub, diesInTest: true), in: directory) { node in
                        try await Self.pull(node)
                        _ = try await eventually("two thirds have come", within: .seconds(60)) {
                            try await Self.downloadedBytes(node) > model.count * 2 / 3 ? true : nil
                        }
                        node.kill()
                    }
                    let before = try await Self.sentBytes(hub)
                    #expect(before < model.count + model.count / 4)
                    try await hub.reset()
                    try await withNode(Self.setup("killed", hub), in: directory) { node in
                        let download = try await node.outcome(of: DemoModel.id)
                        #expect(download.state == "complete", "\(download)")
                        try await node.expectHolds([0, 1, 2, 3], of: DemoModel.id, like: model)
                    }
                    let total = try await before + Self.sentBytes(hub)
                    #expect(total < model.count * 3 / 2, "\(total) bytes for a file of \(model.count)")
                }
            }
        }

        @Test func `when the peer that sends is killed, the rest comes from the hub`() async throws {
            try await Self.withHub { hub, model in
                let sender = NodeSetup(
                    name: "sender", shards: "all", environment: ["SHOAL_RESOURCES_MAX_BANDWIDTH_MBPS": "5"],
                    diesInTest: true)
                try await withSwarm([sender, Self.setup("receiver", hub)]) { nodes in
                    let (sender, receiver) = (nodes[0], nodes[1])
                    try await Self.pull(receiver)
                    _ = try await eventually("bytes come from the peer") {
                        try await Self.downloadedBytes(receiver) > model.count / 8 ? true : nil
                    }
                    sender.kill()
                    let download = try await receiver.outcome(of: DemoModel.id, within: .seconds(40))
                    #expect(download.state == "complete", "\(download)")
                    #expect(download.json["source"] == "mixed", "\(download)")
                    try await receiver.expectHolds([0, 1, 2, 3], of: DemoModel.id, like: model)
                }
            }
        }

        @Test func `when the peer that sends is killed and nobody else has the model, the rest waits for it`()
            async throws
        {
            try await withDataDirectory { directory in
                try await DemoModel.import(into: directory, shards: "all")
                let sender = NodeSetup(
                    name: "sender", environment: ["SHOAL_RESOURCES_MAX_BANDWIDTH_MBPS": "5"], diesInTest: true)
                try await withNode(sender, in: directory) { first in
                    let code = try await first.get("/api/admin/network-code")["code"]?.string
                    let patient = NodeSetup(
                        name: "receiver",
                        environment: [
                            "SHOAL_DOWNLOADS_LONGEST_PAUSE_SECONDS": "0.3", "SHOAL_DOWNLOADS_ATTEMPTS": "1000",
                        ])
                    try await withNode(patient, join: code) { receiver in
                        for shard in 0...3 {
                            _ = try await eventually("shard \(shard) is asked for") {
                                let answer = try await receiver.request(
                                    .post, "/api/admin/models/\(DemoModel.id)/shards/\(shard)/download")
                                return answer.status == 200 ? true : nil
                            }
                        }
                        _ = try await eventually("bytes come from the peer") {
                            try await Self.downloadedBytes(receiver) > 400_000 ? true : nil
                        }
                        first.kill()
                        let waiting = try await eventually("the receiver finds nobody to ask") {
                            let download = try await receiver.download(of: DemoModel.id)
                            let log = download?.json["log"]?.array?.compactMap(\.string) ?? []
                            return log.contains { $0.contains("no connected node holds") } ? download : nil
                        }
                        #expect(!waiting.isOver, "\(waiting)")
                        let again = NodeSetup(name: "sender", flags: ["--swarm-port", "\(first.swarmPort)"])
                        try await withNode(again, in: directory) { _ in
                            let download = try await receiver.outcome(of: DemoModel.id)
                            #expect(download.state == "complete", "\(download)")
                            let model = try [UInt8](Data(contentsOf: URL(filePath: BuildProducts.demoModel)))
                            try await receiver.expectHolds([0, 1, 2, 3], of: DemoModel.id, like: model)
                        }
                    }
                }
            }
        }

        @Test
        func `a peer's wrong shard is not kept, its sender is named and trusted less, and it comes from elsewhere`()
            async throws
        {
            try await Self.withHub { hub, model in
                let receiver = Self.setup("receiver", hub)
                // A node takes a file without copying it where it can: the one that is damaged is of this test alone.
                let own = FileManager.default.temporaryDirectory.appending(
                    path: "shoal-e2e-\(UUID().uuidString.prefix(8))")
                let original = URL(filePath: BuildProducts.demoModel)
                let copy = own.appending(path: original.lastPathComponent)
                try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(at: own) }
                try Data(contentsOf: original).write(to: copy)
                let damaged = NodeSetup(name: "sender", shards: "all", modelFile: copy.path(percentEncoded: false))
                try await withSwarm([damaged, receiver]) { nodes in
                    let (sender, receiver) = (nodes[0], nodes[1])
                    try Self.corrupt(shard: 1, on: sender)
                    try await Self.pull(receiver)
                    let download = try await receiver.outcome(of: DemoModel.id)
                    #expect(download.state == "complete", "\(download)")
                    try await receiver.expectHolds([0, 1, 2, 3], of: DemoModel.id, like: model)
                    let fromHub = try await Self.sentBytes(hub)
                    #expect(fromHub > 0)
                    let name = try await sender.id.prefix(16)
                    let log = try String(contentsOfFile: receiver.dataDirectory + "-receiver.log", encoding: .utf8)
                    let told = log.split(separator: "\n").filter { $0.contains("wrong shard") && $0.contains(name) }
                    #expect(!told.isEmpty)
                    let peer = try await receiver.get("/api/admin/peers")[0]
                    let trust = try #require(peer?["trust_score"]?.double)
                    #expect(trust < 1)
                }
            }
        }

        /// What the file store has sent.
        private static func sentBytes(_ hub: StandInHub) async throws -> Int {
            try await hub.requests().filter { $0.host == "store" }.reduce(0) { $0 + $1.sent }
        }

        /// Changes a byte in the middle of a shard behind the back of the node that holds it.
        private static func corrupt(shard index: Int, on node: TestNode) throws {
            let folder = "\(node.dataDirectory)/models/\(DemoModel.id)"
            let manifest = try ModelManifest(
                json: Data(contentsOf: URL(filePath: "\(folder)/\(ModelManifest.fileName)")))
            let range = try #require(manifest.shards[index].ranges.max { $0.length < $1.length })
            let path = "\(folder)/\(manifest.parts[range.part].name)"
            let descriptor = open(path, O_RDWR | O_CLOEXEC)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            var status = stat()
            var byte: UInt8 = 0
            let position = off_t(range.offset + range.length / 2)
            try #require(fstat(descriptor, &status) == 0 && pread(descriptor, &byte, 1, position) == 1)
            byte ^= 0xff
            try #require(pwrite(descriptor, &byte, 1, position) == 1)
            // The library looks at a file again when its time differs.
            #if canImport(Glibc)
                let times = [status.st_atim, status.st_mtim]
            #else
                let times = [status.st_atimespec, status.st_mtimespec]
            #endif
            try #require(futimens(descriptor, times) == 0)
        }
    }
}
