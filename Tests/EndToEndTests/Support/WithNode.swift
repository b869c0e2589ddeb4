import JSON
import Node
import ShoalTestSupport
import Subprocess
import SystemPackage
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a node of a test is set up.
struct NodeSetup: Sendable {
    var name = "node"
    /// Shards of the demo model that the node gets before it starts, as `shoal import --shards` takes them; nil: none.
    var shards: String?
    /// The file that is imported as the demo model.
    var modelFile = BuildProducts.demoModel
    /// More flags of `shoal serve`.
    var flags: [String] = []
    /// More environment variables.
    var environment: [String: String] = [:]
    /// The test ends the node itself, with a signal.
    var diesInTest = false

    /// A node with all of the demo model.
    static let whole = NodeSetup(shards: "all")
}

/// The demo model, as every test imports it: four shards, so that up to four nodes can share it.
enum DemoModel {
    static let id = "demo"
    static let shardSizeMegabytes = 1
    /// The last shard's index; known once a node has imported the model.
    static func shardCount(on node: TestNode) async throws -> Int {
        let models = try await node.get("/api/admin/models")
        return models.array?.first { $0["id"]?.string == id }?["shard_count"]?.integer ?? 0
    }

    /// Imports into a data directory that no node need be running on.
    static func `import`(
        _ file: String = BuildProducts.demoModel, into directory: String, shards: String
    ) async throws {
        var arguments = [
            "import", file, "--data-dir", directory, "--model-id", id, "--shard-size-mb",
            "\(shardSizeMegabytes)",
        ]
        if shards != "all" { arguments += ["--shards", shards] }
        let run = try await CommandRun.shoal(arguments)
        try #require(run.status == 0, "\(run.errors)")
        #expect(run.output == "\(id)\n")
    }
}

/// Starts a node, runs `body` beside it, and stops it; its log is recorded when something fails.
func withNode<Result: Sendable>(
    _ setup: NodeSetup = NodeSetup(), join code: String? = nil, _ body: (TestNode) async throws -> Result
) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.path() + "shoal-e2e-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    if let shards = setup.shards { try await DemoModel.import(setup.modelFile, into: directory, shards: shards) }
    return try await withNode(setup, in: directory, join: code, body)
}

/// The same, in a data directory that stays.
func withNode<Result: Sendable>(
    _ setup: NodeSetup, in directory: String, join code: String? = nil, _ body: (TestNode) async throws -> Result
) async throws -> Result {
    let log = directory + "-\(setup.name).log"
    let logDescriptor = try FileDescriptor.open(
        FilePath(log), .writeOnly, options: [.create, .append], permissions: [.ownerRead, .ownerWrite])
    defer { try? FileManager.default.removeItem(atPath: log) }
    let arguments =
        [
            "serve", "--data-dir", directory, "--port", "0", "--swarm-host", "127.0.0.1", "--swarm-port", "0",
            "--log-level", "debug",
        ] + (code.map { ["--join", $0] } ?? []) + setup.flags
    let environment = Environment.test
        // Tests count shards: nodes that fetch some from each other would upset them.
        .merging([
            "SHOAL_NODE_NICKNAME": setup.name, "SHOAL_ENGINE_THREADS": "1", "SHOAL_AUTO_MANAGE_ENABLED": "false",
            "SHOAL_ACCOUNTS_FIRST_ADMINISTRATOR": "false",
        ]) { $1 }
        .merging(setup.environment) { $1 }
    do {
        let result = try await run(
            .path(FilePath(BuildProducts.shoal)), arguments: Arguments(arguments),
            environment: .custom(environment.keyed), input: .none, output: .sequence,
            error: .fileDescriptor(logDescriptor, closeAfterSpawningProcess: true)
        ) { execution in
            let node = try await firstAnswer(of: execution, setup: setup, directory: directory)
            do {
                let result = try await body(node)
                await stop(execution)
                return result
            } catch {
                await stop(execution)
                throw error
            }
        }
        if !setup.diesInTest {
            #expect(result.terminationStatus.isSuccess, "\(setup.name) ended with \(result.terminationStatus)")
            if !result.terminationStatus.isSuccess { record(log: log, of: setup.name) }
        }
        return result.closureResult
    } catch {
        record(log: log, of: setup.name)
        throw error
    }
}

private func firstAnswer<Input, Errors>(
    of execution: Execution<Input, SequenceOutput, Errors>, setup: NodeSetup, directory: String
) async throws -> TestNode {
    let prefix = "listening on "
    var lines = execution.standardOutput.strings().makeAsyncIterator()
    guard let line = try await lines.next(), line.hasPrefix(prefix) else {
        throw DeadlineExceeded(description: "\(setup.name) ended before it listened")
    }
    let url = line.dropFirst(prefix.count).filter { !$0.isNewline }
    let data = DataDirectory(path: directory)
    let record = try await eventually("\(setup.name) opens its swarm port") {
        RunRecord.running(in: data).flatMap { $0.swarmPort == nil ? nil : $0 }
    }
    return TestNode(
        name: setup.name, dataDirectory: directory, processID: execution.processIdentifier.value, url: String(url),
        apiKey: try APIKeyFile.load(in: data) ?? "", swarmPort: record.swarmPort ?? 0)
}

private func stop<Input, Output, Errors>(_ execution: Execution<Input, Output, Errors>) async {
    // A frozen process takes no other signal before it goes on.
    try? execution.send(signal: .resume)
    await execution.teardown(using: [.gracefulShutDown(allowedDurationToNextStep: .seconds(15))])
}

private func record(log: String, of name: String) {
    let text = FileManager.default.contents(atPath: log).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let lines = text.split(separator: "\n").suffix(60).joined(separator: "\n")
    Attachment.record(text, named: "\(name).log")
    print("--- the end of the log of \(name):\n\(lines)\n---")
}

/// Starts nodes one after the other, the later ones joining the first one's swarm, and runs `body` once all of them know
/// each other.
func withSwarm<Result: Sendable>(_ setups: [NodeSetup], _ body: ([TestNode]) async throws -> Result) async throws
    -> Result
{
    try await withNodes(setups[...], started: [], code: nil) { nodes in
        for node in nodes {
            _ = try await eventually("\(node.name) meets the \(nodes.count - 1) others") {
                let peers = try await node.get("/api/admin/peers").array ?? []
                let ready = peers.filter { $0["healthy"]?.bool == true }
                return ready.count == nodes.count - 1 ? true : nil
            }
            guard setups.contains(where: { $0.shards != nil }) else { continue }
            _ = try await eventually("\(node.name) can answer with the model") {
                try await node.servesDemoModel() ? true : nil
            }
        }
        return try await body(nodes)
    }
}

private func withNodes<Result: Sendable>(
    _ setups: ArraySlice<NodeSetup>, started: [TestNode], code: String?,
    _ body: ([TestNode]) async throws -> Result
) async throws -> Result {
    guard let setup = setups.first else { return try await body(started) }
    return try await withNode(setup, join: code) { node in
        let code =
            if let code { code } else { try await node.get("/api/admin/network-code")["code"]?.string }
        return try await withNodes(setups.dropFirst(), started: started + [node], code: code, body)
    }
}

extension TestNode {
    /// Whether the nodes in reach hold every layer of the demo model.
    fileprivate func servesDemoModel() async throws -> Bool {
        let models = try await get("/v1/models")["data"]?.array ?? []
        return models.contains { $0["id"]?.string == DemoModel.id }
    }
}
