import FoundationEssentials
import Link
import ModelLibrary

extension AutoManagePlanner {
    private typealias Reason = AutoManageDecision.PassedOver.Reason

    /// What is to be fetched, and what not and why.
    struct FetchPlan {
        var fetches: [AutoManageDecision.Fetch] = []
        var passedOver: [AutoManageDecision.PassedOver] = []
        /// Whether a shard was left out for want of room.
        var roomIsWanted = false
    }

    /// A shard that this node should fetch if it fits.
    private struct Candidate {
        let model: Int
        let shard: Int
        /// Nodes that hold it or are fetching it.
        let holders: Int
        let rank: ShardRank
        let sizeBytes: UInt64
    }

    /// What is left of the limits while the plan grows.
    private struct Room {
        var slots: Int
        var diskBytes: UInt64
        /// Of each model: the shards and bytes that are, or will be, here.
        var counts: [Int]
        var bytes: [UInt64]
        var isHere: [[Bool]]
    }

    func planFetches(_ survey: SwarmSurvey) -> FetchPlan {
        var refused = [[Reason: Int]](repeating: [:], count: survey.models.count)
        var candidates: [Candidate] = []
        for (number, model) in survey.models.enumerated() {
            if let reason = reasonAgainst(model, survey) {
                refused[number][reason] = model.indices.count
                continue
            }
            for shard in model.indices.indices where !model.isHeld[shard] && !model.isDownloading[shard] {
                let rank = ShardRank(node: survey.snapshot.node, model: model.model.id, shard: model.indices[shard])
                if let reason = reasonAgainst(shard, of: model, rank: rank, survey) {
                    refused[number][reason, default: 0] += 1
                } else {
                    candidates.append(
                        Candidate(
                            model: number, shard: shard,
                            holders: model.peersHolding[shard] + model.peersFetching[shard],
                            rank: rank, sizeBytes: model.model.shards[shard].sizeBytes))
                }
            }
        }

        var plan = FetchPlan()
        var room = unusedRoom(survey)
        while !candidates.isEmpty {
            var fitting: [Candidate] = []
            for candidate in candidates {
                if let reason = reasonAgainst(candidate, in: room, survey) {
                    refused[candidate.model][reason, default: 0] += 1
                    if reason == .noRoom { plan.roomIsWanted = true }
                } else {
                    fitting.append(candidate)
                }
            }
            guard let next = fitting.indices.min(by: { comes(fitting[$0], before: fitting[$1], room, survey) }) else {
                break
            }
            let chosen = fitting.remove(at: next)
            plan.fetches.append(fetch(chosen, room, survey))
            room.slots -= 1
            room.diskBytes -= chosen.sizeBytes
            room.counts[chosen.model] += 1
            room.bytes[chosen.model] = room.bytes[chosen.model].saturatingSum(chosen.sizeBytes)
            room.isHere[chosen.model][chosen.shard] = true
            candidates = fitting
        }

        let fetched = Set(plan.fetches.map(\.model))
        for (number, model) in survey.models.enumerated() where !fetched.contains(model.model.id) {
            plan.passedOver.append(passedOver(model, refused[number], room, survey))
        }
        return plan
    }

    private func unusedRoom(_ survey: SwarmSurvey) -> Room {
        let snapshot = survey.snapshot
        let settings = snapshot.settings
        var disk = snapshot.contribution.storageBytes(of: settings.storageLimitBytes)
            .saturatingDifference(survey.usedBytes)
        if let free = settings.freeDiskBytes {
            disk = min(disk, free.saturatingDifference(survey.downloadingBytes))
        }
        let running = survey.models.reduce(0) { $0 + $1.isDownloading.count { $0 } }
        return Room(
            slots: min(settings.maximumAcquisitions, snapshot.contribution.concurrentDownloads) - running,
            diskBytes: disk, counts: survey.models.map(\.ownCount), bytes: survey.models.map(\.ownBytes),
            isHere: survey.models.map { zip($0.isHeld, $0.isDownloading).map { $0 || $1 } })
    }

    // MARK: - What speaks against a fetch

    private func reasonAgainst(_ model: ModelSurvey, _ survey: SwarmSurvey) -> Reason? {
        if !survey.snapshot.settings.isEnabled { return .managementOff }
        if !model.model.policy.isEnabled { return .policyOff }
        if model.model.isDeleted { return .modelDeleted }
        if model.indices.isEmpty { return .noShards }
        if model.ownCount == model.indices.count { return .complete }
        if !model.model.trust.level(at: survey.snapshot.now).allowsFetching { return .untrusted }
        return nil
    }

    private func reasonAgainst(
        _ shard: Int, of model: ModelSurvey, rank: ShardRank, _ survey: SwarmSurvey
    ) -> Reason? {
        let index = model.indices[shard]
        if model.model.deleted.contains(index) { return .shardDeleted }
        let holders = model.peersHolding[shard] + model.peersFetching[shard]
        if holders >= model.target { return .enoughHolders }
        if model.peersHolding[shard] == 0, !model.model.hasSource { return .noSource }
        if holders > 0, let pruned = model.model.pruned[index],
            (0..<rules.afterPruneSeconds).contains(survey.snapshot.now.timeIntervalSince(pruned))
        {
            return .prunedLately
        }
        let isNextToOwn = isNext(shard, to: model.isHeld) || isNext(shard, to: model.isDownloading)
        if !isNextToOwn, !hasTurn(rank, missing: model.target - holders, nodes: survey.pool - holders, survey) {
            return .othersTurn
        }
        return nil
    }

    private func reasonAgainst(_ candidate: Candidate, in room: Room, _ survey: SwarmSurvey) -> Reason? {
        let settings = survey.snapshot.settings
        let limits = [settings.maximumShardsPerModel, survey.models[candidate.model].model.policy.maximumShards]
        if let limit = limits.filter({ $0 > 0 }).min(), room.counts[candidate.model] >= limit { return .shardLimit }
        if let memory = settings.windowMemoryBytes,
            windowBytes(room.bytes[candidate.model].saturatingSum(candidate.sizeBytes)) > memory
        {
            return .noMemory
        }
        if candidate.sizeBytes > room.diskBytes { return .noRoom }
        if room.slots <= 0 { return .busy }
        return nil
    }

    /// What shards of so many bytes take in memory.
    private func windowBytes(_ bytes: UInt64) -> UInt64 { bytes.saturatingProduct(rules.memoryPercent) / 100 }

    /// Whether it is this node's turn for a shard of which copies are missing, among so many nodes without one.
    ///
    /// The nodes lie on a circle in the order of the shard, and those in an arc of it have their turn. The arc moves on by
    /// the golden ratio, which leaves nobody out for long.
    private func hasTurn(_ rank: ShardRank, missing: Int, nodes: Int, _ survey: SwarmSurvey) -> Bool {
        let invited = missing * rules.invitations
        guard invited < nodes else { return true }
        let turn = (survey.snapshot.now.timeIntervalSince1970 / rules.turnSeconds).rounded(.down)
        let number = UInt64(bitPattern: Int64(max(-1e15, min(1e15, turn))))
        let place = rank.value &+ number &* 0x9E37_79B9_7F4A_7C15
        return place < UInt64.max / UInt64(nodes) * UInt64(max(0, invited))
    }

    // MARK: - Which comes first

    private func comes(
        _ left: Candidate, before right: Candidate, _ room: Room, _ survey: SwarmSurvey
    ) -> Bool {
        let leftDemand = survey.models[left.model].demand
        let rightDemand = survey.models[right.model].demand
        if leftDemand != rightDemand { return leftDemand > rightDemand }
        if left.holders != right.holders { return left.holders < right.holders }
        let isLeftNext = isNext(left.shard, to: room.isHere[left.model])
        if isLeftNext != isNext(right.shard, to: room.isHere[right.model]) { return isLeftNext }
        if left.rank != right.rank { return left.rank < right.rank }
        return (left.model, left.shard) < (right.model, right.shard)
    }

    private func isNext(_ shard: Int, to here: [Bool]) -> Bool {
        (shard > 0 && here[shard - 1]) || (shard + 1 < here.count && here[shard + 1])
    }

    // MARK: - Explanations

    private func fetch(_ candidate: Candidate, _ room: Room, _ survey: SwarmSurvey) -> AutoManageDecision.Fetch {
        let model = survey.models[candidate.model]
        let index = model.indices[candidate.shard]
        var clauses = [
            candidate.holders == 0
                ? "nobody holds it, and \(Phrase.nodes(model.target)) should"
                : "\(candidate.holders) of \(Phrase.nodes(model.target)) that should hold it do",
            "\(Phrase.requests(model.model.requests)) lately",
        ]
        if isNext(candidate.shard, to: room.isHere[candidate.model]) { clauses.append("next to what is here") }
        clauses.append(
            "it takes \(Phrase.megabytes(candidate.sizeBytes)) of the \(Phrase.megabytes(room.diskBytes)) that may still be taken"
        )
        return AutoManageDecision.Fetch(
            model: model.model.id, shard: index, sizeBytes: candidate.sizeBytes,
            reason: candidate.holders == 0 ? .noHolder : .tooFewHolders,
            explanation: "shard \(index) of \(model.model.id) is fetched: \(clauses.joined(separator: "; "))",
            holders: survey.peers.filter { $0.held[model.model.id]?.contains(index) == true }.map(\.id))
    }

    private func passedOver(
        _ model: ModelSurvey, _ refused: [Reason: Int], _ room: Room, _ survey: SwarmSurvey
    ) -> AutoManageDecision.PassedOver {
        let reasons = Reason.allCases.filter { refused[$0] != nil }
        let clauses = reasons.map {
            Phrase.refusal($0, shards: refused[$0] ?? 0, model, survey, roomBytes: room.diskBytes)
        }
        return AutoManageDecision.PassedOver(
            model: model.model.id, reason: reasons.first ?? .complete,
            explanation: "nothing of \(model.model.id) is fetched: \(clauses.joined(separator: "; "))")
    }
}
