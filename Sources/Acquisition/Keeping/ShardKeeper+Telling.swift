import Events
import FoundationEssentials
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
    func tellOnce(_ topic: Topic, _ word: String, _ tell: () -> Void) {
        guard told[topic] != word else { return }
        told[topic] = word
        tell()
    }

    /// Tells why nothing of some models is fetched, where that is not what was told last. That there is nothing to decide
    /// is no news unless something else was.
    func tell(_ passedOver: [AutoManageDecision.PassedOver]) {
        told = told.filter { topic, _ in
            guard case .passedOver(let model) = topic else { return true }
            return passedOver.contains { $0.model == model }
        }
        var count = 0
        for decision in passedOver where told[.passedOver(decision.model)] != decision.reason.rawValue {
            let isSilent = decision.reason == .complete || decision.reason == .managementOff
            if isSilent, told[.passedOver(decision.model)] == nil { continue }
            guard count < Self.toldAtOnce else { break }
            count += 1
            told[.passedOver(decision.model)] = decision.reason.rawValue
            var event = event("model", "auto_manage_passed_over", decision.explanation, decision.model)
            event.detailText = decision.reason.rawValue
            events.publish(event)
        }
    }

    func tell(_ fetch: AutoManageDecision.Fetch) {
        told[.failure(fetch.model)] = nil
        logger.info("\(fetch.explanation)", metadata: ["model": "\(fetch.model)", "shard": "\(fetch.shard)"])
        var event = event("shard", "auto_manage_fetch", fetch.explanation, fetch.model, shard: fetch.shard)
        event.detailText = fetch.reason.rawValue
        event.detailNumber = Double(fetch.sizeBytes)
        event.holderCountBefore = fetch.holders.count
        events.publish(event)
    }

    func tellFailure(of shards: [ShardIndex], of model: ModelID, _ error: any Error) {
        tellOnce(.failure(model), "\(error)") {
            logger.warning("cannot fetch shards", metadata: ["model": "\(model)", "reason": "\(error)"])
            var event = event(
                "shard", "auto_manage_fetch_failed",
                "\(Phrase.shards(shards.count)) of \(model) cannot be fetched: \(error)", model, shard: shards.first)
            event.toastLevel = .warning
            events.publish(event)
        }
    }

    /// Tells that a shard stays although it was decided to give it up.
    func tellKept(_ prune: AutoManageDecision.Prune, _ reason: String) {
        tellOnce(.kept(ShardName(model: prune.model, shard: prune.shard)), reason) {
            let message = "shard \(prune.shard) of \(prune.model) stays: \(reason)"
            logger.info("\(message)")
            var event = event("shard", "shard_prune_refused", message, prune.model, shard: prune.shard)
            event.holderCountBefore = prune.holdersBefore
            event.detailText = reason
            events.publish(event)
        }
    }

    func tell(_ record: PruneRecord, _ prune: AutoManageDecision.Prune) {
        told[.kept(ShardName(model: prune.model, shard: prune.shard))] = nil
        logger.info("\(record.reason)", metadata: ["model": "\(record.model)", "shard": "\(record.shard)"])
        var event = event("shard", "shard_pruned", record.reason, record.model, shard: record.shard)
        event.modelName = record.modelName
        event.timestamp = record.time
        event.detailText = prune.reason.rawValue
        event.freedBytes = record.freedBytes
        event.holderCountBefore = record.holdersBefore
        event.holderCountAfter = record.holdersAfter
        event.remainingLocalShards = record.remainingShards
        events.publish(event)
    }

    func tell(_ change: ModelTrust.Change, of model: ModelID) {
        let message = "the trust in \(model) went from \(change.from.rawValue) to \(change.to.rawValue)"
        var event = event("model", "model_trust_changed", message, model)
        event.detailText = change.to.rawValue
        events.publish(event)
    }

    private func event(
        _ category: String, _ kind: String, _ message: String, _ model: ModelID, shard: ShardIndex? = nil
    ) -> NodeEvent {
        NodeEvent(
            category: category, kind: kind, message: message, timestamp: clock.date(), modelID: model.rawValue,
            nodeID: membership.me.short, shardIndex: shard?.rawValue)
    }
}
