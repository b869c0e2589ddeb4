package import ArgumentParser
package import ModelLibrary

/// `shoal models load`: loads the shards of a model that the node holds.
package struct ModelsLoadCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load a model's shards into memory, so that the first question need not wait.")

    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: "Shards to load, such as 0,2-4 (default: all that the node holds).")
    package var shards: ShardSelection?

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal models” lists it.")
    package var model: String

    package init() {}

    package func run() async throws {
        let answer = try await NodeClient.with(try connection.target()) { client in
            let summary = try await KnownModels(client).ownSummary(of: model, to: "load")
            let held = summary.shards.filter(\.local).map(\.index)
            let wanted = shards?.numbers ?? held
            if let missing = wanted.first(where: { !held.contains($0) }) {
                throw CommandError(
                    "the node does not hold shard \(missing) of \(model)",
                    hint: held.isEmpty ? "it holds none" : "it holds \(ShardSelection(held))")
            }
            guard !wanted.isEmpty else { throw CommandError("the node holds no shard of \(model)") }
            var bar = ProgressBar("loading \(model)")
            var loaded = Loaded(modelId: model, loadedShards: [])
            for (done, index) in wanted.enumerated() {
                bar.update(fraction: Double(done) / Double(wanted.count), detail: "\(done) of \(wanted.count) shards")
                loaded = try NodeClient.decode(
                    await client.post("/api/admin/models/\(model)/shards/\(index)/load"))
            }
            bar.update(fraction: 1, detail: "\(wanted.count) of \(wanted.count) shards")
            bar.finish()
            return loaded
        }
        if output.json {
            Terminal.line(#"{"model_id":"\#(answer.modelId)","loaded_shards":\#(answer.loadedShards)}"#)
        } else {
            Terminal.line("\(answer.modelId): shards \(ShardSelection(answer.loadedShards)) loaded")
        }
    }

    private struct Loaded: Decodable {
        var modelId: String
        var loadedShards: [Int]
    }
}
