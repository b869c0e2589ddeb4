package import ArgumentParser
package import ModelLibrary

/// `shoal rm`: deletes a model, or some shards of it, from a running node.
package struct RmCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Delete a model from the node's memory and disk.",
        discussion: """
            Refused while answers are made with it. The file that a model was imported from stays where it is, and so do \
            the shards that other nodes hold.
            """)

    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: "Shards to delete, such as 0,2-4 (default: the whole model).")
    package var shards: ShardSelection?

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal models” lists it.")
    package var model: String

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { client in
            _ = try await KnownModels(client).ownSummary(of: model, to: "delete")
            guard let shards else { return try await client.delete("/api/admin/models/\(model)") }
            var last: [UInt8] = []
            for index in shards.numbers {
                last = try await client.delete("/api/admin/models/\(model)/shards/\(index)")
            }
            return last
        }
        if output.json {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("\(model): \(shards.map { "shards \($0) deleted" } ?? "deleted")")
    }
}
