package import ArgumentParser
import ModelLibrary
import NodeAPI

/// `shoal ps`: what is in memory.
package struct PsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the models that are in the node's memory.",
        discussion: "“shoal stop MODEL” frees the memory of one.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/api/admin/models") }
        let models: [ModelBody] = try NodeClient.decode(body)
        list.print(
            models.compactMap(LoadedRow.init), body: body,
            empty: "nothing is in memory; the first question to a model, or “shoal models load”, loads it")
    }
}

/// A line of the list of what is in memory.
private struct LoadedRow: ListRow {
    static let headers = ["MODEL", "SHARDS LOADED", "OF", "WEIGHTS"]
    static let rightAligned: Set<Int> = [2, 3]

    let listName: String
    let cells: [String]

    /// Nil for a model of which nothing is in memory.
    init?(_ model: ModelBody) {
        let loaded = model.shards.filter { $0.inVram == true }
        guard !loaded.isEmpty else { return nil }
        listName = model.id
        cells = [
            model.id, "\(ShardSelection(loaded.map(\.index)))", "\(model.shardCount)",
            Figures.bytes(loaded.reduce(0) { $0 + $1.sizeBytes }),
        ]
    }
}
