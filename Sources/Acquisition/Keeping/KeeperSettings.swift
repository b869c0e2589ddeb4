/// How a node keeps its shards: what its operator set.
package struct KeeperSettings: Sendable, Hashable {
    /// What may be used; the disk's free space is looked up at every turn.
    package var limits: AutoManageSettings
    /// Where the node is; nil: not said.
    package var region: String?
    /// The level outside the reduced hours.
    package var contribution: ContributionLevel
    /// What holds until an operator sets a schedule.
    package var schedule: ResourceSchedule
    /// How often the node looks at what it should hold.
    package var interval: Duration
    /// When it does so first.
    package var firstTurn: Duration

    package init(
        limits: AutoManageSettings, region: String? = nil, contribution: ContributionLevel = .minimal,
        schedule: ResourceSchedule = .standard, interval: Duration = .seconds(300),
        firstTurn: Duration = .seconds(30)
    ) {
        self.limits = limits
        self.region = region
        self.contribution = contribution
        self.schedule = schedule
        self.interval = interval
        self.firstTurn = firstTurn
    }
}
