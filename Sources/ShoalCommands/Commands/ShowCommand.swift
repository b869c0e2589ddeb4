package import ArgumentParser
import NodeAPI

/// `shoal show`: what a model is.
package struct ShowCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what a model is: size, layers, context, tokenizer.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal models” lists it.")
    package var model: String

    package init() {}

    package func run() async throws {
        let (summary, status, body) = try await NodeClient.with(try connection.target()) { client in
            let models = try await KnownModels(client)
            let summary = try models.ownSummary(of: model, to: "show")
            return (summary, models.status(of: summary), try await client.get("/api/admin/models/\(model)/metadata"))
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let metadata: ModelMetadataBody = try NodeClient.decode(body)
        let rows = Self.facts(summary, status, metadata).map { [$0.0, $0.1] }
        for line in Table(headers: ["", ""], rows: rows).lines().dropFirst() { Terminal.line(line) }
    }

    /// Names and values, in the order they are shown.
    static func facts(
        _ summary: ModelBody, _ status: String, _ metadata: ModelMetadataBody
    ) -> [(String, String)] {
        let general = metadata.general
        var facts = [
            ("model", summary.id), ("name", general.name ?? summary.name),
            ("architecture", general.architecture), ("quantisation", general.quantization ?? "–"),
            ("size", Figures.bytes(summary.totalSizeBytes)), ("status", status),
            ("shards", "\(summary.hostedShards) of \(summary.shardCount) here"),
        ]
        func add(_ name: String, _ value: Int?) {
            if let value { facts.append((name, "\(value)")) }
        }
        add("layers", metadata.model.blockCount)
        add("context", metadata.model.contextLength)
        add("embedding", metadata.model.embeddingLength)
        add("vocabulary", metadata.model.vocabSize)
        return facts
    }
}
