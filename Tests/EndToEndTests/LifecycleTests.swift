import JSON
import Node
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Runs `body` with the path of a data directory that is removed afterwards.
func withDataDirectory<Result: Sendable>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.path() + "shoal-e2e-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body(directory)
}

extension EndToEnd {
    /// Starting and ending.
    @Suite struct LifecycleTests {
        @Test func `a killed daemon leaves no engine behind`() async throws {
            try await withNode(NodeSetup(shards: "all", diesInTest: true)) { node in
                _ = try await node.exactCompletion("hello")
                let engines = node.engines
                #expect(!engines.isEmpty)
                node.kill()
                _ = try await eventually("the engines end", within: .seconds(5)) {
                    engines.contains(where: ProcessTable.isAlive) ? nil : true
                }
            }
        }

        @Test func `engines that ended leave no sockets`() async throws {
            try await withNode(.whole) { node in
                let expected = try await node.exactCompletion("hello")
                for engine in node.engines { ProcessTable.signal(engine, SIGKILL) }
                #expect(try await node.exactCompletion("hello") == expected)
                let sockets = try FileManager.default.contentsOfDirectory(atPath: node.dataDirectory + "/run")
                    .filter { $0.hasPrefix("engine-") }
                #expect(sockets.count == node.engines.count, "\(sockets)")
            }
        }

        @Test func `SIGTERM ends a node within ten seconds, also while it answers`() async throws {
            let start = try await withNode(.whole) { node in
                _ = try await node.exactCompletion("hello")
                try await node.stream("/v1/completions", DemoPrompts.long("Once", tokens: 400)) { _, _ in false }
                return ContinuousClock.now
            }
            // The fixture has sent SIGTERM, waited for the end, and checked the exit status.
            #expect(ContinuousClock.now - start < .seconds(10))
        }

        @Test func `two daemons never share a data directory`() async throws {
            try await withNode { node in
                let second = try await CommandRun.shoal(["serve", "--data-dir", node.dataDirectory, "--port", "0"])
                #expect(second.status == 1)
                #expect(second.errors.contains("process \(node.processID)"), "\(second.errors)")
                #expect(second.output.isEmpty)
            }
        }

        @Test func `a port that is taken ends the start with what to do`() async throws {
            try await withNode { node in
                let port = node.url.split(separator: ":").last.map(String.init) ?? ""
                try await withDataDirectory { directory in
                    let second = try await CommandRun.shoal(["serve", "--data-dir", directory, "--port", port])
                    #expect(second.status == 1)
                    #expect(second.errors.contains("error: cannot listen on 127.0.0.1:\(port)"), "\(second.errors)")
                    #expect(
                        second.output.isEmpty && second.errors.split(separator: "\n").count == 1, "\(second.errors)")
                }
                let swarm = try #require(RunRecord.running(in: DataDirectory(path: node.dataDirectory))?.swarmPort)
                try await withDataDirectory { directory in
                    let second = try await CommandRun.shoal([
                        "serve", "--data-dir", directory, "--port", "0", "--swarm-port", "\(swarm)", "--swarm-host",
                        "127.0.0.1",
                    ])
                    #expect(second.status == 1 && second.output.isEmpty)
                    #expect(second.errors.contains("error: cannot listen on 127.0.0.1:\(swarm)"), "\(second.errors)")
                    #expect(second.errors.contains("--swarm-port") && second.errors.split(separator: "\n").count == 1)
                }
            }
        }

        @Test func `health answers at once, and secrets are for the owner alone`() async throws {
            try await withNode { node in
                #expect(try await node.get("/health")["status"]?.string == "ok")
                for name in ["api_key", "identity.key", "swarm.key"] {
                    let path = node.dataDirectory + "/" + name
                    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
                    #expect("\(mode ?? "")" == "\(0o600)", "\(name)")
                }
                #expect(node.apiKey.count == 64)
            }
        }

        @Test func `the shutdown route ends the node`() async throws {
            try await withNode { node in
                _ = try await node.post("/api/admin/shutdown")
                _ = try await eventually("the node ends", within: .seconds(10)) {
                    ProcessTable.isAlive(node.processID) ? nil : true
                }
            }
        }
    }
}
