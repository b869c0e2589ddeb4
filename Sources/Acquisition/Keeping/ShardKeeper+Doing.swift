import Exchange
import FoundationEssentials
import Identifiers
import Link
import Logging
import ModelLibrary
import Swarm
import Timing

extension ShardKeeper {
    /// Nodes that are asked to confirm one prune at most.
    private static let maximumKeepersAsked = 8
    /// How long a node may take to confirm.
    private static let confirmationLimit: Duration = .seconds(10)

    // MARK: - Fetching

    /// Has shards fetched, those of one model together.
    func fetch(_ fetches: [AutoManageDecision.Fetch]) async {
        guard let fetch = surroundings.fetch else { return }
        var models: [ModelID] = []
        for fetch in fetches where !models.contains(fetch.model) { models.append(fetch.model) }
        for model in models where !Task.isCancelled {
            let wanted = fetches.filter { $0.model == model }
            // An operator may have deleted the model while the turn went on.
            guard let record = try? records.record(of: model), !record.isDeleted else { continue }
            let shards = wanted.map(\.shard).filter { record.shards[$0]?.isDeleted != true }
            guard !shards.isEmpty else { continue }
            do {
                try await fetch(model, shards)
                for decision in wanted where shards.contains(decision.shard) { publish(decision) }
            } catch {
                publishFailure(of: shards, of: model, error)
            }
        }
    }

    // MARK: - Giving up

    /// Gives a shard up, once another node has promised to keep it and if nothing speaks for keeping it by then.
    func carryOut(_ prune: AutoManageDecision.Prune, names: [ModelID: String]) async {
        guard promises.beginGivingUp(prune.model, prune.shard) else {
            return publishKept(prune, "another node relies on the copy here")
        }
        defer { promises.endGivingUp(prune.model, prune.shard) }
        guard await isConfirmed(prune) else {
            return publishKept(prune, "no node nearby has confirmed that it keeps it")
        }
        do {
            if let reason = try await reasonToKeep(prune) { return publishKept(prune, reason) }
            try await giveUp(prune, name: names[prune.model] ?? prune.model.rawValue)
        } catch {
            publishKept(prune, "\(error)")
        }
    }

    /// Whether one of the nodes nearby keeps the shard for sure.
    private func isConfirmed(_ prune: AutoManageDecision.Prune) async -> Bool {
        for keeper in prune.keepers.prefix(min(prune.nearbyKeepers, Self.maximumKeepersAsked)) where !Task.isCancelled {
            do {
                if try await confirmation(of: keeper, prune) { return true }
            } catch {
                logger.debug("a node does not confirm", metadata: ["node": "\(keeper)", "reason": "\(error)"])
            }
        }
        return false
    }

    private func confirmation(of keeper: NodeID, _ prune: AutoManageDecision.Prune) async throws -> Bool {
        let confirm = surroundings.confirm
        let clock = clock
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { try await confirm(keeper, prune.model, prune.shard) }
            group.addTask {
                try await clock.sleep(Self.confirmationLimit)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }

    /// What has come to speak for keeping the shard since it was decided to give it up; nil: nothing.
    private func reasonToKeep(_ prune: AutoManageDecision.Prune) async throws -> String? {
        let model = try await library.model(prune.model)
        guard model.held.contains(prune.shard) else { return "it is not here any more" }
        if await surroundings.loadedShards(prune.model).contains(prune.shard) { return "it was loaded meanwhile" }
        if await surroundings.isInUse(model, prune.shard) { return "it has come into use meanwhile" }
        if await surroundings.downloading()[prune.model]?.contains(prune.shard) == true { return "it was asked for" }
        return nil
    }

    /// What an operator has decided since; nil: nothing that speaks for keeping the shard.
    private func decisionToKeep(_ prune: AutoManageDecision.Prune) throws -> String? {
        let record = try records.record(of: prune.model)
        if record.shards[prune.shard]?.isLocked == true { return "it was locked meanwhile" }
        if record.trust?.isPinned == true { return "its model was pinned meanwhile" }
        if !record.policy.isEnabled || !record.policy.allowsPruning { return "its model's policy has changed" }
        if !settings.limits.isEnabled || !settings.limits.allowsPruning { return "shards are no longer given up" }
        return nil
    }

    private func giveUp(_ prune: AutoManageDecision.Prune, name: String) async throws {
        // From here to the mark nothing else runs on this actor: an operator's word comes before or too late.
        if let reason = try decisionToKeep(prune) { return publishKept(prune, reason) }
        deleting = ShardName(model: prune.model, shard: prune.shard)
        defer { deleting = nil }
        let now = clock.date()
        let surroundings = surroundings
        // First the note, so that the shard is not fetched back at once, whatever happens.
        try records.update(prune.model) { $0.shards[prune.shard, default: .init()].pruned = now }
        let freed = try await library.giveUp(shard: prune.shard, id: prune.model) { model in
            let isLoaded = await surroundings.loadedShards(model.id).contains(prune.shard)
            let isInUse = await surroundings.isInUse(model, prune.shard)
            return isLoaded || isInUse
        }
        guard let freed else {
            try records.update(prune.model) { $0.shards[prune.shard, default: .init()].pruned = nil }
            return publishKept(prune, "it has come into use meanwhile")
        }
        let remaining = try await library.model(prune.model).held.count
        let record = PruneRecord(
            model: prune.model, modelName: name, shard: prune.shard, reason: prune.explanation, freedBytes: freed,
            remainingShards: remaining, holdersBefore: prune.holdersBefore, holdersAfter: prune.holdersAfter, time: now)
        try records.update(prune.model) { record in
            record.shards[prune.shard]?.heldSince = nil
            record.shards[prune.shard]?.lastUsed = nil
        }
        try records.add(record)
        publish(record, prune)
    }
}
