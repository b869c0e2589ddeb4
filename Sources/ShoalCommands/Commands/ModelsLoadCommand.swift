package import ArgumentParser
package import ModelLibrary
import NodeAPI

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
        let loaded = try await NodeClient.with(try connection.target()) { client in
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
            var loaded: [Int] = []
            for (done, index) in wanted.enumerated() {
                bar.update(fraction: Double(done) / Double(wanted.count), detail: "\(done) of \(wanted.count) shards")
                let answer: LoadedShardBody = try NodeClient.decode(
                    await client.post("/api/admin/models/\(model)/shards/\(index)/load"))
                loaded = answer.loadedShards
            }
            bar.update(fraction: 1, detail: "\(wanted.count) of \(wanted.count) shards")
            bar.finish()
            return loaded
        }
        if output.json {
            Terminal.line(#"{"model_id":"\#(model)","loaded_shards":\#(loaded)}"#)
        } else {
            Terminal.line("\(model): shards \(ShardSelection(loaded)) loaded")
        }
    }
}
