import ModelLibrary

/// The numbers and reasons of a decision, in words.
enum Phrase {
    static func megabytes(_ bytes: UInt64) -> String {
        // Rounded up, so that what does not fit never reads as if it did.
        "\(bytes >> 20 + (bytes & 0xF_FFFF == 0 ? 0 : 1)) MB"
    }

    static func nodes(_ count: Int) -> String { count == 1 ? "1 node" : "\(count) nodes" }
    static func shards(_ count: Int) -> String { count == 1 ? "1 shard" : "\(count) shards" }
    static func requests(_ count: Int) -> String { count == 1 ? "1 request" : "\(max(0, count)) requests" }

    /// Roughly how long, in the greatest unit of which it has at least two.
    static func duration(_ seconds: Double) -> String {
        let seconds = max(0, min(seconds, 1e12))
        switch seconds {
        case ..<120: return "\(Int(seconds)) s"
        case ..<7200: return "\(Int(seconds / 60)) min"
        case ..<172_800: return "\(Int(seconds / 3600)) h"
        default: return "\(Int(seconds / 86_400)) days"
        }
    }

    /// Why so many shards of a model, or all of it, are not fetched.
    static func refusal(
        _ reason: AutoManageDecision.PassedOver.Reason, shards count: Int, _ survey: ModelSurvey, _ swarm: SwarmSurvey,
        roomBytes: UInt64
    ) -> String {
        let settings = swarm.snapshot.settings
        let model = survey.model
        let some = shards(count)
        switch reason {
        case .managementOff: return "automatic management is off"
        case .policyOff: return "the model's policy has automatic management off"
        case .modelDeleted: return "an operator deleted the model from this node"
        case .noShards: return "its shards are not known"
        case .complete: return "all \(shards(survey.indices.count)) are here or on their way"
        case .untrusted:
            return "no user pinned it, and it has not had \(ModelTrust.verifyingRequests) requests lately"
        case .shardLimit:
            let limit = [settings.maximumShardsPerModel, model.policy.maximumShards].filter { $0 > 0 }.min() ?? 0
            return "\(some) would exceed the limit of \(shards(limit))"
        case .busy:
            let slots = min(settings.maximumAcquisitions, swarm.snapshot.contribution.concurrentDownloads)
            return "\(some) must wait, as \(max(0, slots)) at once are fetched"
        case .noRoom:
            let share = swarm.snapshot.contribution.storageBytes(of: settings.storageLimitBytes)
            return "\(some) find no room (\(megabytes(roomBytes)) left of \(megabytes(share)))"
        case .noMemory:
            return
                "\(some) would make a window that does not fit into \(megabytes(settings.windowMemoryBytes ?? 0)) of memory"
        case .noSource: return "\(some) cannot be had, as neither a publisher nor a healthy peer has them"
        case .othersTurn: return "other nodes are to fetch \(some) first"
        case .prunedLately: return "\(some) were given up here a short time ago"
        case .shardDeleted: return "an operator deleted \(some) from this node"
        case .enoughHolders: return "\(some) have the \(nodes(survey.target)) that should hold them"
        }
    }
}
