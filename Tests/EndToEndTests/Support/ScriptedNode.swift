import JSON
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A scripted model of a node.
struct ScriptedModelSetup: Sendable {
    let id: String
    var pieces: [ScriptedPiece] = ["ok"]
    var chatTemplate: String?
    var controlTokens: [String] = []
}

/// Over how many nodes scripted models lie.
enum ScriptedPlace: Sendable, CaseIterable {
    case whole
    /// A layer on each of two nodes.
    case split
}

/// Starts one node or two that hold scripted models, and runs `body` beside the first of them.
func withScriptedNode<Result: Sendable>(
    _ models: [ScriptedModelSetup], _ place: ScriptedPlace = .whole, setup: NodeSetup = NodeSetup(),
    _ body: (TestNode) async throws -> Result
) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.path() + "shoal-e2e-\(UUID().uuidString.prefix(8))"
    let (files, second) = (directory + "-files", directory + "-second")
    try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
    defer { for path in [directory, files, second] { try? FileManager.default.removeItem(atPath: path) } }
    for model in models {
        let file = "\(files)/\(model.id).gguf"
        // Layers of more than a megabyte, the smallest shard.
        try ScriptedModel.write(
            to: file, pieces: model.pieces, chatTemplate: model.chatTemplate, controlTokens: model.controlTokens,
            feedForwardLength: place == .split ? 1536 : ScriptedModel.headLength)
        func take(_ shards: [String], _ directory: String) async throws {
            let run = try await CommandRun.shoal(
                ["import", file, "--data-dir", directory, "--model-id", model.id, "--shard-size-mb", "1"] + shards)
            try #require(run.status == 0, "\(run.errors)")
        }
        switch place {
        case .whole: try await take([], directory)
        case .split:
            try await take(["--shards", "0"], directory)
            try await take(["--shards", "1"], second)
        }
    }
    return try await withNode(setup, in: directory) { node in
        guard place == .split else { return try await body(node) }
        let code = try await node.get("/api/admin/network-code")["code"]?.string
        return try await withNode(NodeSetup(name: "second"), in: second, join: code) { _ in
            _ = try await eventually("the models are covered") {
                let listed = try await node.get("/api/admin/models").array ?? []
                let ready = listed.filter { ["ready", "loaded"].contains($0["status"]?.string) }
                return ready.count == models.count ? true : nil
            }
            return try await body(node)
        }
    }
}
