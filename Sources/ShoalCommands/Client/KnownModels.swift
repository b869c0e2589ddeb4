/// Every model that a node can name: those that it and its swarm have, and those of its workers.
struct KnownModels: Sendable {
    /// Those that the node and its swarm have, whether or not they can be asked.
    let summaries: [ModelSummary]
    /// Those that can be asked.
    let served: [ServedModels.Model]
    private let address: String

    init(_ client: NodeClient) async throws {
        summaries = try await client.get("/api/admin/models")
        served = (try await client.get("/v1/models") as ServedModels).data
        address = client.target.address.text
    }

    /// Those that only workers have.
    var onWorkers: [ServedModels.Model] {
        let known = Set(summaries.map(\.id))
        return served.filter { !known.contains($0.id) }
    }

    /// The model of that name in the node's swarm; nil for one that only workers have.
    ///
    /// - Throws: `CommandError` that names those that there are, or the one that was meant.
    func summary(of name: String) throws -> ModelSummary? {
        if let summary = summaries.first(where: { $0.id == name }) { return summary }
        if served.contains(where: { $0.id == name }) { return nil }
        throw CommandError("\(address) has no model \(name)", hint: hint(for: name))
    }

    /// The same, of a model whose shards are the node's own.
    ///
    /// - Parameter what: what cannot be done with a worker's model.
    func ownSummary(of name: String, to what: String) throws -> ModelSummary {
        guard let summary = try summary(of: name) else {
            throw CommandError(
                "\(name) is on workers alone, which load and unload it themselves: there is nothing to \(what) here")
        }
        return summary
    }

    private func hint(for name: String) -> String {
        let names = Set(summaries.map(\.id)).union(served.map(\.id)).sorted()
        guard !names.isEmpty else { return "“shoal import FILE.gguf” or “shoal pull OWNER/NAME” adds one" }
        if let meant = MistypedCommand.closest(to: name, among: names) { return "did you mean \(meant)?" }
        return names.count <= 8
            ? "there \(names.count == 1 ? "is" : "are") \(names.joined(separator: ", "))" : "“shoal models” lists them"
    }
}
