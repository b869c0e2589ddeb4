import Events
import FoundationEssentials
import Identifiers
import Link
import Logging
import ModelLibrary
import Swarm
import Timing

extension ShardKeeper {
    /// Models that one turn tells of not fetching; the others are told of in later turns.
    private static let toldAtOnce = 32

    /// What something may be told about; only the latest word counts.
    enum Topic: Hashable {
        case passedOver(ModelID)
        case failure(ModelID)
        case kept(ShardName)
        case origin(ModelID)
        case header(ModelID)
    }

    /// Calls `tell` unless the same word was the last one about that.
    func publishOnce(_ topic: Topic, _ word: String, _ tell: () -> Void) {
        guard lastPublished[topic] != word else { return }
        lastPublished[topic] = word
        tell()
    }

    /// Tells why nothing of some models is fetched, where that is not what was told last. That there is nothing to decide
    /// is no news unless something else was.
    func publish(_ passedOver: [AutoManageDecision.PassedOver]) {
        lastPublished = lastPublished.filter { topic, _ in
            guard case .passedOver(let model) = topic else { return true }
            return passedOver.contains { $0.model == model }
        }
        var count = 0
        for decision in passedOver where lastPublished[.passedOver(decision.model)] != decision.reason.rawValue {
            let isSilent = decision.reason == .complete || decision.reason == .managementOff
            if isSilent, lastPublished[.passedOver(decision.model)] == nil { continue }
            guard count < Self.toldAtOnce else { break }
            count += 1
            lastPublished[.passedOver(decision.model)] = decision.reason.rawValue
            publish(.passedOver(reason: decision.reason.rawValue), decision.explanation, decision.model)
        }
    }

    func publish(_ fetch: AutoManageDecision.Fetch) {
        lastPublished[.failure(fetch.model)] = nil
        logger.info("\(fetch.explanation)", metadata: ["model": "\(fetch.model)", "shard": "\(fetch.shard)"])
        publish(
            .fetched(reason: fetch.reason.rawValue, sizeBytes: fetch.sizeBytes, holders: fetch.holders.count),
            fetch.explanation, fetch.shard, fetch.model)
    }

    func publishFailure(of shards: [ShardIndex], of model: ModelID, _ error: any Error) {
        publishOnce(.failure(model), "\(error)") {
            logger.warning("cannot fetch shards", metadata: ["model": "\(model)", "reason": "\(error)"])
            publish(
                .fetchFailed, "\(Phrase.shards(shards.count)) of \(model) cannot be fetched: \(error)", shards.first,
                model,
                toast: .warning)
        }
    }

    /// Tells that a shard stays although it was decided to give it up.
    func publishKept(_ prune: AutoManageDecision.Prune, _ reason: String) {
        publishOnce(.kept(ShardName(model: prune.model, shard: prune.shard)), reason) {
            let message = "shard \(prune.shard) of \(prune.model) stays: \(reason)"
            logger.info("\(message)")
            publish(
                .pruneRefused(reason: reason, holdersBefore: prune.holdersBefore), message, prune.shard, prune.model)
        }
    }

    func publish(_ record: PruneRecord, _ prune: AutoManageDecision.Prune) {
        lastPublished[.kept(ShardName(model: prune.model, shard: prune.shard))] = nil
        logger.info("\(record.reason)", metadata: ["model": "\(record.model)", "shard": "\(record.shard)"])
        let content = ShardEvent.pruned(
            reason: prune.reason.rawValue, freedBytes: record.freedBytes, holdersBefore: record.holdersBefore,
            holdersAfter: record.holdersAfter, remaining: record.remainingShards)
        events.publish(
            NodeEvent(
                .shard(
                    content, record.shard.rawValue, EventModel(id: record.model.rawValue, name: record.modelName)),
                record.reason, at: record.time, node: membership.me.short))
    }

    func publish(_ change: ModelTrust.Change, of model: ModelID) {
        let message = "the trust in \(model) went from \(change.from.rawValue) to \(change.to.rawValue)"
        publish(.trustChanged(to: change.to.rawValue), message, model)
    }

    private func publish(_ event: ModelEvent, _ message: String, _ model: ModelID) {
        events.publish(
            NodeEvent(
                .model(event, EventModel(id: model.rawValue)), message, at: clock.date(), node: membership.me.short))
    }

    private func publish(
        _ event: ShardEvent, _ message: String, _ shard: ShardIndex?, _ model: ModelID,
        toast: NodeEvent.ToastLevel? = nil
    ) {
        events.publish(
            NodeEvent(
                .shard(event, shard?.rawValue, EventModel(id: model.rawValue)), message, at: clock.date(),
                node: membership.me.short, toast: toast))
    }
}
