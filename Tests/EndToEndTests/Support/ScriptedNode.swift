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

/// Starts a node that holds scripted models, and runs `body` beside it.
func withScriptedNode<Result: Sendable>(
    _ models: [ScriptedModelSetup], setup: NodeSetup = NodeSetup(), _ body: (TestNode) async throws -> Result
) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.path() + "shoal-e2e-\(UUID().uuidString.prefix(8))"
    let files = directory + "-files"
    try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
    defer {
        try? FileManager.default.removeItem(atPath: directory)
        try? FileManager.default.removeItem(atPath: files)
    }
    for model in models {
        let file = "\(files)/\(model.id).gguf"
        try ScriptedModel.write(
            to: file, pieces: model.pieces, chatTemplate: model.chatTemplate, controlTokens: model.controlTokens)
        let run = try await CommandRun.shoal(["import", file, "--data-dir", directory, "--model-id", model.id])
        try #require(run.status == 0, "\(run.errors)")
    }
    return try await withNode(setup, in: directory, body)
}
