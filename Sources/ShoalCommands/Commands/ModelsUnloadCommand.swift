package import ArgumentParser
package import ModelLibrary
import NodeAPI

/// `shoal models unload`: frees the memory of a model.
package struct ModelsUnloadCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "unload", abstract: "Free the memory that a model takes; its files stay.",
        aliases: ["stop"])

    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: "Shards to unload, such as 0,2-4 (default: all).")
    package var shards: ShardSelection?

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal models” lists it.")
    package var model: String

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { client in
            _ = try await KnownModels(client).ownSummary(of: model, to: "unload")
            guard let shards else { return try await client.post("/api/admin/models/\(model)/unload") }
            var last: [UInt8] = []
            for index in shards.numbers {
                last = try await client.post("/api/admin/models/\(model)/shards/\(index)/unload")
            }
            return last
        }
        if output.json {
            Terminal.write(body)
            return Terminal.newLine()
        }
        if shards == nil {
            let answer: UnloadedModelBody = try NodeClient.decode(body)
            Terminal.line("\(model): unloaded, \(Figures.megabytes(answer.estimatedFreedMb)) freed")
        } else {
            let answer: UnloadedShardBody = try NodeClient.decode(body)
            let rest = answer.remainingLoaded
            Terminal.line("\(model): \(rest.isEmpty ? "nothing" : "shards \(ShardSelection(rest))") still loaded")
        }
    }
}
