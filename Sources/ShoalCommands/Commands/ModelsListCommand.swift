package import ArgumentParser
import NodeAPI

/// `shoal models list`: every model that the swarm or its workers have.
package struct ModelsListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the models that the swarm and its workers have.",
        discussion: """
            STATUS is “loaded” (in memory), “ready” (can be asked), “downloading”, “incomplete” (layers are missing), “on peers” (others \
            have it all, and this node nothing yet) or “on workers”; all but the incomplete ones can be asked.
            """,
        aliases: ["ls"])

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let models = try await NodeClient.with(try connection.target()) { try await KnownModels($0) }
        let rows =
            models.summaries.map { ModelRow($0, status: models.status(of: $0)) }
            + models.others.map { ModelRow($0, status: models.showsSummaries ? "on workers" : "ready") }
        list.print(
            rows.sorted { $0.id < $1.id }, body: models.body,
            empty: "no models yet; “shoal pull OWNER/NAME” or “shoal import FILE.gguf” adds one")
    }
}

/// A line of the list of models.
struct ModelRow: ListRow {
    static let headers = ["MODEL", "SIZE", "SHARDS HERE", "PEERS", "STATUS"]
    static let rightAligned: Set<Int> = [1, 2, 3]

    let id: String
    let cells: [String]
    var listName: String { id }

    init(_ model: ModelBody, status: String) {
        id = model.id
        cells = [
            id, model.totalSizeBytes > 0 ? Figures.bytes(model.totalSizeBytes) : "–",
            model.shardCount > 0 ? "\(model.hostedShards) of \(model.shardCount)" : "–", "\(model.peersHosting)",
            status,
        ]
    }

    init(_ model: ServedModels.Model, status: String) {
        id = model.id
        cells = [id, model.meta?.size.map(Figures.bytes) ?? "–", "–", "–", status]
    }
}
