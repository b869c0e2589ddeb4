import NodeAPI

/// Every model that a node can name: those that it and its swarm have, and those of its workers.
struct KnownModels: Sendable {
    /// Those that the node and its swarm have, whether or not they can be asked; none for users, who may only ask.
    let summaries: [ModelBody]
    /// Whether the node has shown ``summaries``.
    let showsSummaries: Bool
    /// The node's own JSON of them, or of ``served`` where it does not show them.
    let body: [UInt8]
    /// Those that can be asked.
    let served: [ServedModels.Model]
    private let address: String

    init(_ client: NodeClient) async throws {
        let servedBody = try await client.get("/v1/models")
        served = (try NodeClient.decode(servedBody) as ServedModels).data
        let own: [UInt8]?
        do {
            own = try await client.get("/api/admin/models")
        } catch let error as CommandError where error.isForbidden {
            own = nil
        }
        body = own ?? servedBody
        summaries = try own.map { try NodeClient.decode($0) } ?? []
        showsSummaries = own != nil
        address = client.target.address.text
    }

    /// Those that can be asked and are not among ``summaries``: only workers have them, where those are shown.
    var others: [ServedModels.Model] {
        let known = Set(summaries.map(\.id))
        return served.filter { !known.contains($0.id) }
    }

    /// What can be done with a model, in the words of the command line.
    func status(of model: ModelBody) -> String {
        if ["loaded", "ready"].contains(model.status) { return model.status }
        if served.contains(where: { $0.id == model.id }) { return model.shardCount == 0 ? "on peers" : "ready" }
        return model.acquisition == "downloading" ? "downloading" : "incomplete"
    }

    /// The model of that name in the node's swarm; nil for one that only workers have.
    ///
    /// - Throws: `CommandError` that names those that there are, or the one that was meant.
    func summary(of name: String) throws -> ModelBody? {
        if let summary = summaries.first(where: { $0.id == name }) { return summary }
        if served.contains(where: { $0.id == name }) { return nil }
        throw CommandError("\(address) has no model \(name)", hint: hint(for: name))
    }

    /// The same, of a model whose shards are the node's own.
    ///
    /// - Parameter what: what cannot be done with a worker's model.
    func ownSummary(of name: String, to what: String) throws -> ModelBody {
        guard let summary = try summary(of: name) else {
            guard showsSummaries else {
                throw CommandError("to \(what) a model is for administrators", hint: "“shoal login NAME” logs one in")
            }
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
