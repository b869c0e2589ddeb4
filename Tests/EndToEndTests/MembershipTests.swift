import JSON
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension EndToEnd {
    /// Who gets into a swarm.
    @Suite struct MembershipTests {
        @Test func `a node joins by the code of another one, and both list each other`() async throws {
            try await withSwarm([NodeSetup(name: "heron"), NodeSetup(name: "otter")]) { nodes in
                let peers = try await nodes[0].get("/api/admin/peers")
                #expect(peers[0]?["nickname"]?.string == "otter")
                #expect(peers[0]?["node_id"]?.string == String(try await nodes[1].id.prefix(16)))
                #expect(try await nodes[1].get("/api/admin/peers")[0]?["nickname"]?.string == "heron")
                let latency = try await eventually("the round trip is measured") {
                    try await nodes[0].get("/api/admin/peers")[0]?["latency_ms"]?.double
                }
                #expect(latency < 1000)
            }
        }

        @Test func `a running node joins with shoal join, and stays a member when it starts again`() async throws {
            try await withNode(NodeSetup(name: "heron")) { heron in
                let code = try await CommandRun.shoal(["invite", "--data-dir", heron.dataDirectory])
                #expect(code.status == 0 && code.output.hasPrefix("swarm://"))
                #expect(code.output.split(separator: "\n").count == 1)
                try await withDataDirectory { directory in
                    try await withNode(NodeSetup(name: "otter"), in: directory) { otter in
                        let joined = try await CommandRun.shoal([
                            "join", String(code.output.filter { !$0.isNewline }), "--data-dir", directory,
                        ])
                        #expect(joined.status == 0, "\(joined.errors)")
                        try await meet(heron, count: 1)
                    }
                    _ = try await eventually("heron sees otter leave") {
                        try await heron.get("/api/admin/stats")["peers"]?.integer == 0 ? true : nil
                    }
                    try await withNode(NodeSetup(name: "otter"), in: directory) { _ in try await meet(heron, count: 1) }
                }
            }
        }

        @Test func `a node leaves its swarm, is forgotten there by its name, and is asked for no longer`() async throws
        {
            try await withSwarm([NodeSetup(name: "heron"), NodeSetup(name: "otter")]) { nodes in
                let (heron, otter) = (nodes[0], nodes[1])
                func shoal(_ node: TestNode, _ arguments: String...) async throws -> CommandRun {
                    try await CommandRun.shoal(arguments + ["--data-dir", node.dataDirectory])
                }
                let ping = try await shoal(heron, "ping", "otter", "-c", "1")
                #expect(
                    ping.status == 0 && ping.output.hasPrefix("otter (") && ping.output.hasSuffix(" ms\n"), "\(ping)")
                let early = try await shoal(heron, "peers", "rm", "otter")
                #expect(early.status == 1 && early.errors.contains("is connected"), "\(early)")
                let unasked = try await shoal(otter, "leave")
                #expect(unasked.status == 1 && unasked.errors.contains("--yes"), "\(unasked)")
                let left = try await shoal(otter, "leave", "--yes")
                #expect(left.status == 0 && left.output == "alone now; 1 peer forgotten\n", "\(left)")
                #expect(try await otter.get("/api/admin/peers") == .array([]))
                _ = try await eventually("heron sees otter leave") {
                    try await heron.get("/api/admin/stats")["peers"]?.integer == 0 ? true : nil
                }
                let list = try await shoal(heron, "peers")
                #expect(list.output.contains("otter") && list.output.contains("away for"), "\(list)")
                #expect(try await shoal(heron, "ping", "otter", "-c", "1").status == 1)
                let gone = try await shoal(heron, "peers", "rm", "otter")
                #expect(gone.status == 0, "\(gone)")
                #expect(try await heron.get("/api/admin/peers") == .array([]))
                let unknown = try await shoal(heron, "peers", "rm", "otter")
                #expect(unknown.status == 1 && unknown.errors.contains("no node otter"), "\(unknown)")
            }
        }

        @Test func `an invite code is shown to nobody who lists processes`() async throws {
            try await withNode(NodeSetup(name: "heron")) { heron in
                let code = try await CommandRun.shoal(["invite", "--data-dir", heron.dataDirectory]).output
                    .filter { !$0.isNewline }
                func commandLine(_ node: TestNode) throws -> String {
                    let bytes = try #require(FileManager.default.contents(atPath: "/proc/\(node.processID)/cmdline"))
                    return String(decoding: bytes.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
                }
                try await withNode(NodeSetup(name: "otter"), join: code) { otter in
                    try await meet(heron, count: 1)
                    let shown = try commandLine(otter)
                    #expect(shown.contains("--join ***") && !shown.contains(code.suffix(20)), "\(shown)")
                }
                let file = heron.dataDirectory + "-code"
                defer { try? FileManager.default.removeItem(atPath: file) }
                try Data((code + "\n").utf8).write(to: URL(filePath: file))
                try await withNode(NodeSetup(name: "otter", flags: ["--join-file", file])) { otter in
                    try await meet(heron, count: 1)
                    #expect(try commandLine(otter).contains("--join-file \(file)"))
                }
            }
        }

        @Test func `a node whose swarm is out of reach says so`() async throws {
            let code = try await withNode(NodeSetup(name: "heron")) { heron in
                try await CommandRun.shoal(["invite", "--data-dir", heron.dataDirectory]).output.filter {
                    !$0.isNewline
                }
            }
            try await withNode(NodeSetup(name: "otter"), join: code) { otter in
                let log = otter.dataDirectory + "-otter.log"
                _ = try await eventually("the log says so") {
                    String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
                        .contains("warning swarm: a peer does not answer; it is called again until it does")
                        ? true : nil
                }
            }
        }

        @Test func `a node of another swarm is refused, whatever it says`() async throws {
            try await withNode(NodeSetup(name: "heron")) { heron in
                try await withNode(NodeSetup(name: "stranger")) { stranger in
                    let id = try await heron.id
                    let address = "/ip4/127.0.0.1/tcp/\(heron.swarmPort)/p2p/\(id)"
                    let answer = try await stranger.request(
                        .post, "/api/admin/join-network", ["code": .string(address)])
                    #expect((400..<600).contains(answer.status), "\(answer.status)")
                    #expect(try await heron.get("/api/admin/stats")["peers"]?.integer == 0)
                    #expect(try await stranger.get("/api/admin/stats")["peers"]?.integer == 0)
                }
            }
        }

        @Test func `a code that was tampered with lets nobody in`() async throws {
            try await withNode(NodeSetup(name: "heron")) { heron in
                let code = try await heron.get("/api/admin/network-code")["code"]?.string ?? ""
                let middle = code.index(code.startIndex, offsetBy: code.count / 2)
                let forged = code[..<middle] + (code[middle] == "A" ? "B" : "A") + code[code.index(after: middle)...]
                try await withNode(NodeSetup(name: "stranger")) { stranger in
                    let answer = try await stranger.request(
                        .post, "/api/admin/join-network", ["code": .string(String(forged))])
                    #expect(answer.status == 400, "\(String(decoding: answer.body, as: UTF8.self))")
                    #expect(try await heron.get("/api/admin/stats")["peers"]?.integer == 0)
                }
            }
        }

        @Test func `a member that another id was promised for is not taken for it`() async throws {
            try await withSwarm([NodeSetup(name: "heron"), NodeSetup(name: "otter")]) { nodes in
                let forged = String(repeating: "ab", count: 32)
                let address = "/ip4/127.0.0.1/tcp/\(nodes[0].swarmPort)/p2p/\(forged)"
                let answer = try await nodes[1].request(.post, "/api/admin/join-network", ["code": .string(address)])
                #expect((400..<600).contains(answer.status), "\(answer.status)")
                let ids = try await nodes[1].get("/api/admin/peers").array?.compactMap { $0["node_id"]?.string } ?? []
                #expect(!ids.contains(String(forged.prefix(16))))
            }
        }

        private func meet(_ node: TestNode, count: Int) async throws {
            _ = try await eventually("\(node.name) has \(count) peers") {
                try await node.get("/api/admin/stats")["peers"]?.integer == count ? true : nil
            }
        }
    }
}
