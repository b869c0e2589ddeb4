package import Identifiers
package import Swarm

/// What the swarm makes of the repositories of a hub: a pure value.
package struct HubInterest: Sendable, Equatable {
    /// How many nodes hold something of each repository.
    package private(set) var replicas: [String: Int] = [:]
    /// Requests for the models of each repository within the last hour.
    package private(set) var requests: [String: Int] = [:]

    /// - Parameters:
    ///   - node: this node.
    ///   - models: the models of its library, with the repository that each is from.
    ///   - peers: those that are connected.
    ///   - demand: requests for each model in the whole swarm.
    package init(
        node: NodeID, models: [(id: ModelID, repository: String, isHeld: Bool)], peers: [Peer], demand: [ModelID: Int]
    ) {
        var repositories: [ModelID: String] = [:]
        for model in models { repositories[model.id] = model.repository }
        for held in peers.flatMap({ $0.record?.models ?? [] }) where repositories[held.id] == nil {
            repositories[held.id] = held.hubSource?.repository
        }
        var holders: [String: Set<NodeID>] = [:]
        for model in models where model.isHeld { holders[model.repository, default: []].insert(node) }
        for peer in peers {
            for held in peer.record?.models ?? [] where !held.shards.isEmpty {
                // A node that has a model from another node does not say where its publisher has it.
                guard let repository = held.hubSource?.repository ?? repositories[held.id] else { continue }
                holders[repository, default: []].insert(peer.id)
            }
        }
        replicas = holders.mapValues(\.count)
        for (model, count) in demand {
            guard let repository = repositories[model] else { continue }
            requests[repository] = requests[repository, default: 0] + min(count, 1 << 40)
        }
    }
}
