import Events
import FoundationEssentials
import Identifiers
import Link
import Logging
import Swarm
import Timing

extension ShardKeeper {
    /// The schedule that holds.
    package func schedule() -> ResourceSchedule { records.schedule ?? settings.schedule }

    /// Changes some fields of the schedule, durably, and keeps to it from now on.
    ///
    /// - Returns: the whole schedule.
    /// - Throws: `AcquisitionError` of code `badSchedule`, `StoreError`; nothing is changed then.
    package func setSchedule(_ change: ResourceSchedule.Change) async throws -> ResourceSchedule {
        let changed = try schedule().applying(change)
        try records.set(changed)
        await applySchedule()
        return changed
    }

    /// The level that holds now, the schedule counted.
    package func contribution() -> ContributionLevel {
        schedule().contribution(usual: settings.contribution, at: clock.date(), in: timeZone())
    }

    /// Takes settings that were changed while the node runs.
    package func configure(_ change: @Sendable (inout KeeperSettings) -> Void) async {
        change(&settings)
        await applySchedule()
        runNow()
    }

    /// Makes hold what the schedule says for this moment, where that is something new.
    func applySchedule() async {
        let schedule = schedule()
        let new = InForce(contribution: contribution(), pruneAggressiveness: schedule.pruneAggressiveness)
        guard new != inForce else { return }
        let isFirst = inForce == nil
        inForce = new
        await surroundings.applyContribution(new.contribution, new.pruneAggressiveness)
        guard !isFirst else { return }
        let hours = schedule.isReduced(at: clock.date(), in: timeZone()) ? "reduced hours" : "usual hours"
        let message =
            "the contribution is \(new.contribution.rawValue) now (\(hours)), pruning is "
            + new.pruneAggressiveness.rawValue
        logger.info("\(message)")
        events.publish(
            NodeEvent(
                .system(.contributionChanged(to: new.contribution.rawValue)), message, at: clock.date(),
                node: membership.me.short))
        runNow()
    }

    /// How long the level stays as it is; nil: for good.
    var timeUntilChange: Duration? {
        let now = clock.date()
        let change = schedule().nextChange(usual: settings.contribution, after: now, in: timeZone())
        return change.map { .seconds(max(0, $0.timeIntervalSince(now))) }
    }
}
