package import ArgumentParser

/// `shoal peers`: the other nodes of the swarm.
package struct PeersCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "peers", abstract: "List the other nodes of the swarm.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/api/admin/peers") }
        let peers: [PeerSummary] = try NodeClient.decode(body)
        list.print(peers, body: body, empty: "no peers yet; “shoal invite” prints the code to join this swarm")
    }
}

extension PeerSummary: ListRow {
    static let headers = ["NODE", "NAME", "STATE", "LATENCY", "SHARDS", "MODELS", "ADDRESS"]
    static let rightAligned: Set<Int> = [3, 4]

    var listName: String { nodeId }

    var cells: [String] {
        [
            nodeId, nickname ?? "–", healthy ? "ok" : "away",
            latencyMs.map { "\(Figures.fixed($0, digits: $0 < 10 ? 1 : 0)) ms" } ?? "–", "\(hostedShards)",
            hostedModels.isEmpty ? "–" : hostedModels.joined(separator: ","), addresses.first ?? "–",
        ]
    }
}
