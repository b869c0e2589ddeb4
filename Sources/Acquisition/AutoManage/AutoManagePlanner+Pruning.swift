import FoundationEssentials
import Link
import ModelLibrary

extension AutoManagePlanner {
    /// A shard that this node may give up.
    private struct Candidate {
        let model: Int
        let shard: Int
        let keepers: [AutoManageSnapshot.Peer]
        let nearbyKeepers: Int
        /// Holders that have to stay.
        let keep: Int
        let idleSeconds: TimeInterval
        /// Held shards on either side: giving up a shard between two makes a hop more.
        let neighbours: Int
    }

    func planPrunes(_ survey: SwarmSurvey, roomIsWanted: Bool) -> [AutoManageDecision.Prune] {
        let snapshot = survey.snapshot
        guard snapshot.settings.isEnabled, snapshot.settings.allowsPruning else { return [] }
        let isTight = roomIsWanted || survey.usedBytes > snapshot.settings.storageLimitBytes
        var candidates: [Candidate] = []
        for (number, model) in survey.models.enumerated() where mayPrune(model, survey) {
            for shard in model.indices.indices where model.isHeld[shard] {
                if let candidate = prunable(shard, of: model, number: number, isTight: isTight, survey) {
                    candidates.append(candidate)
                }
            }
        }
        candidates.sort { left, right in
            let excess = (left.keepers.count - left.keep, right.keepers.count - right.keep)
            if excess.0 != excess.1 { return excess.0 > excess.1 }
            if left.neighbours != right.neighbours { return left.neighbours < right.neighbours }
            if left.idleSeconds != right.idleSeconds { return left.idleSeconds > right.idleSeconds }
            return (left.model, left.shard) < (right.model, right.shard)
        }
        var remaining = survey.models.map { $0.isHeld.count { $0 } }
        return candidates.prefix(snapshot.pruneAggressiveness.shardsAtOnce).map { candidate in
            remaining[candidate.model] -= 1
            return prune(candidate, remaining: remaining[candidate.model], isTight: isTight, survey)
        }
    }

    private func mayPrune(_ model: ModelSurvey, _ survey: SwarmSurvey) -> Bool {
        let policy = model.model.policy
        guard policy.isEnabled, policy.allowsPruning, !model.model.trust.isPinned, model.model.hasSource else {
            return false
        }
        return !model.model.pruned.values.contains {
            (0..<rules.betweenPrunesSeconds).contains(survey.snapshot.now.timeIntervalSince($0))
        }
    }

    /// The shard with the holders that would stay; nil where it has to stay here.
    private func prunable(
        _ shard: Int, of model: ModelSurvey, number: Int, isTight: Bool, _ survey: SwarmSurvey
    ) -> Candidate? {
        let snapshot = survey.snapshot
        let index = model.indices[shard]
        guard let held = model.model.held[index], held.flags.isEmpty, !model.model.downloading.contains(index) else {
            return nil
        }
        let aggressiveness = isTight ? .aggressive : snapshot.pruneAggressiveness
        let age = snapshot.now.timeIntervalSince(held.heldSince)
        let idle = snapshot.now.timeIntervalSince(held.lastUsed ?? held.heldSince)
        guard age >= aggressiveness.minimumHoldSeconds * rules.holdFactor, idle >= rules.recentUseSeconds else {
            return nil
        }

        let demand = aggressiveness.expectsMoreDemand ? model.demand.next : model.demand
        let wanted = ReplicationTarget.holders(
            pool: survey.pool, demand: demand, minimumReplicas: snapshot.settings.minimumReplicas)
        let keep = max(wanted, model.target) + aggressiveness.spareHolders
        guard model.peersHolding[shard] >= keep else { return nil }

        let own = ShardRank(node: snapshot.node, model: model.model.id, shard: index)
        let before = survey.peers
            .filter { $0.held[model.model.id]?.contains(index) == true }
            .map { (peer: $0, rank: ShardRank(node: $0.id, model: model.model.id, shard: index)) }
            .filter { $0.rank < own }
            .sorted { $0.rank < $1.rank }
            .map(\.peer)
        // Near is the local network where there is one, also of nodes that are not heard of now, else the region.
        let hasLocalPeers = snapshot.peers.contains { $0.isLocal && $0.id != snapshot.node }
        let isNear = { (peer: AutoManageSnapshot.Peer) in
            hasLocalPeers ? peer.isLocal : peer.region == snapshot.region
        }
        let near = before.filter(isNear)
        guard before.count >= keep, !near.isEmpty, before.contains(where: { $0.region == snapshot.region }) else {
            return nil
        }
        let neighbours = [shard - 1, shard + 1].count { model.isHeld.indices.contains($0) && model.isHeld[$0] }
        return Candidate(
            model: number, shard: shard, keepers: near + before.filter { !isNear($0) }, nearbyKeepers: near.count,
            keep: keep, idleSeconds: idle, neighbours: neighbours)
    }

    private func prune(
        _ candidate: Candidate, remaining: Int, isTight: Bool, _ survey: SwarmSurvey
    ) -> AutoManageDecision.Prune {
        let model = survey.models[candidate.model]
        let index = model.indices[candidate.shard]
        let size = model.model.shards[candidate.shard].sizeBytes
        let others = model.peersHolding[candidate.shard]
        let clauses = [
            "\(Phrase.nodes(others + 1)) hold it and \(model.target) should",
            "\(candidate.keepers.count) of them keep it before this one, \(candidate.nearbyKeepers) of those nearby",
            "not used for \(Phrase.duration(candidate.idleSeconds))",
            isTight
                ? "its \(Phrase.megabytes(size)) are wanted for other shards" : "\(Phrase.megabytes(size)) become free",
        ]
        return AutoManageDecision.Prune(
            model: model.model.id, shard: index, sizeBytes: size, reason: isTight ? .roomWanted : .overReplicated,
            explanation: "shard \(index) of \(model.model.id) is given up: \(clauses.joined(separator: "; "))",
            holdersBefore: others + 1, holdersAfter: others, remainingShards: remaining,
            keepers: candidate.keepers.map(\.id), nearbyKeepers: candidate.nearbyKeepers)
    }
}
