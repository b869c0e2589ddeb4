package import ArgumentParser

/// `shoal models list`: every model that the swarm knows.
package struct ModelsListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the models that the swarm knows.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/api/admin/models") }
        let models: [ModelSummary] = try NodeClient.decode(body)
        list.print(models, body: body, empty: "no models yet; “shoal import FILE.gguf” adds one")
    }
}

extension ModelSummary: ListRow {
    static let headers = ["MODEL", "SIZE", "SHARDS HERE", "PEERS", "STATUS"]
    static let rightAligned: Set<Int> = [1, 2, 3]

    var listName: String { id }

    var cells: [String] {
        [
            id, totalSizeBytes > 0 ? Figures.bytes(totalSizeBytes) : "–", "\(hostedShards) of \(shardCount)",
            "\(peersHosting)", status,
        ]
    }
}
