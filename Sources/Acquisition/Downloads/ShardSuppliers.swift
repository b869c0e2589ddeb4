import BLAKE3
package import Exchange
package import Identifiers
package import Logging
package import ModelLibrary
package import Swarm

/// Finds out who can be asked for a shard now: the peers that hold it, and the hub where its publisher has it.
package struct ShardSuppliers: Sendable {
    /// Peers of one kind that are asked at once.
    private static let maximumPeers = 4

    private let membership: any Membership
    private let holders: ShardHolders
    private let hub: HubModels?
    private let origin: @Sendable (ModelID) async -> ModelOrigin?
    private let logger: Logger

    /// - Parameters:
    ///   - hub: nil for a node that asks no hub.
    ///   - origin: where a model's publisher has it.
    package init(
        membership: any Membership, holders: ShardHolders, hub: HubModels?,
        origin: @escaping @Sendable (ModelID) async -> ModelOrigin?, logger: Logger = Logger(label: "downloads")
    ) {
        self.membership = membership
        self.holders = holders
        self.hub = hub
        self.origin = origin
        self.logger = logger
    }

    /// The peers that hold a shard, the best one first.
    package func peers(holding shard: ShardIndex, of model: LibraryModel) -> [Peer] {
        let known = Dictionary(membership.peers().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return holders.holders(of: ShardID(model: model.id, index: shard), manifestHash: model.manifestHash)
            .compactMap { known[$0] }
    }

    /// Peers on the local network side by side; then others, and the hub beside them once it has said where the model is.
    ///
    /// What peers have does not wait for the hub: until it has answered it comes after all of them, and where it failed lately
    /// it is left to nodes that know nobody else.
    ///
    /// - Throws: `CancellationError`.
    package func offer(_ shard: ShardIndex, of model: LibraryModel) async throws -> ShardOffer {
        var peers = peers(holding: shard, of: model)
        var expected = model.manifest[shard: shard]?.hash
        if expected == nil, !peers.isEmpty {
            do {
                expected = try await holders.describe(
                    ShardID(model: model.id, index: shard), manifestHash: model.manifestHash)
            } catch let error as ExchangeError {
                // Nothing of theirs could be proven right.
                logger.warning(
                    "the holders of a shard do not agree on its hash, and are not asked for it",
                    metadata: ["model": "\(model.id)", "shard": "\(shard)", "reason": "\(error)"])
                peers = []
            }
        }
        let near = peers.filter(\.isLocal).prefix(Self.maximumPeers)
        let far = peers.filter { !$0.isLocal }.prefix(Self.maximumPeers)
        let groups = [near, far].map { peers in
            peers.map { PeerSupplier(peer: $0.id, membership: membership) as any ShardSupplier }
        }
        return ShardOffer(
            groups: await withHub(groups, for: model.id).filter { !$0.isEmpty }, expectedHash: expected)
    }

    /// The same near and far suppliers, with the hub where it belongs.
    private func withHub(_ groups: [[any ShardSupplier]], for model: ModelID) async -> [[any ShardSupplier]] {
        guard let hub, let origin = await origin(model) else { return groups }
        let supplier = hub.supplier(origin: origin)
        if groups.allSatisfy(\.isEmpty) { return [[supplier]] }
        if hub.hasFailed(origin) { return groups }
        return hub.isReady(origin) ? [groups[0], groups[1] + [supplier]] : groups + [[supplier]]
    }
}
