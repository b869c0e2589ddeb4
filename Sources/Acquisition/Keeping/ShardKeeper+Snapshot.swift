import BLAKE3
import FoundationEssentials
import GGUF
import Identifiers
import ModelLibrary
import Swarm
import Timing

extension ShardKeeper {
    /// Requests that one peer's word counts for at most.
    private static let maximumDemandOfPeer = 10_000

    /// The swarm and this node's models as they are now.
    func snapshot() async -> AutoManageSnapshot {
        let known = await library.models()
        let downloading = await surroundings.downloading()
        let now = clock.date()
        let peers = membership.peers()
        let demand = demand(at: now)
        var models: [AutoManageSnapshot.Model] = []
        for model in known {
            // Nothing is decided about a model by a record that cannot be read.
            guard let record = try? records.record(of: model.id) else { continue }
            var held: [ShardIndex: AutoManageSnapshot.HeldShard] = [:]
            let loaded = model.held.isEmpty ? [] : await surroundings.loadedShards(model.id)
            for shard in model.held {
                let note = record.shards[shard]
                var flags: AutoManageSnapshot.HeldShard.Flags = []
                if note?.isLocked == true { flags.insert(.locked) }
                if loaded.contains(shard) { flags.insert(.loaded) }
                if await surroundings.isInUse(model, shard) { flags.insert(.inUse) }
                held[shard] = .init(flags: flags, heldSince: note?.heldSince ?? now, lastUsed: note?.lastUsed)
            }
            noteUse(of: loaded.intersection(model.held), of: model.id, at: now)
            models.append(
                AutoManageSnapshot.Model(
                    id: model.id, name: model.manifest.name,
                    shards: AutoManageSnapshot.Model.shards(of: model.manifest), hasSource: record.origin != nil,
                    trust: record.trust ?? ModelTrust(discovered: now), policy: record.policy,
                    requests: demand[model.id] ?? 0, held: held, downloading: downloading[model.id] ?? [],
                    deleted: record.shards(where: \.isDeleted), isDeleted: record.isDeleted,
                    pruned: record.shards.compactMapValues(\.pruned)))
        }
        let hashes = Dictionary(uniqueKeysWithValues: known.map { ($0.id, $0.manifestHash) })
        var limits = settings.limits
        limits.freeDiskBytes = try? library.freeBytes()
        let inForce = inForce ?? InForce(contribution: settings.contribution, pruneAggressiveness: .normal)
        return AutoManageSnapshot(
            node: membership.me, region: settings.region, now: now, models: models,
            peers: peers.map { AutoManageSnapshot.Peer($0, hashes: hashes) }, settings: limits,
            contribution: inForce.contribution, pruneAggressiveness: inForce.pruneAggressiveness)
    }

    /// Requests for each model in the swarm within the last hour.
    func demand(at now: Date) -> [ModelID: Int] {
        var demand = records.demand(at: now)
        for peer in membership.peers() where peer.isConnected {
            for (model, requests) in Self.demand(of: peer) { demand[model, default: 0] += requests }
        }
        return demand
    }

    /// Requests that were made of a peer, as it says.
    static func demand(of peer: Peer) -> [ModelID: Int] {
        (peer.record?.demand ?? [:]).mapValues { min($0, maximumDemandOfPeer) }
    }
}

extension AutoManageSnapshot.Peer {
    /// A peer as it says it is. Of its models those count that are the same as here.
    ///
    /// - Parameter hashes: of the models here.
    fileprivate init(_ peer: Peer, hashes: [ModelID: BLAKE3.Digest]) {
        self.init(
            id: peer.id, isHealthy: peer.healthy, isLocal: peer.isLocal,
            region: peer.record?.region)
        for model in peer.record?.models ?? [] {
            guard let hash = hashes[model.id], model.manifestHash == hash else { continue }
            held[model.id] = model.shards
            downloading[model.id] = model.downloading
        }
    }
}
