package import FoundationEssentials

/// Decides which shards a node fetches and which it gives up: a pure function of a snapshot. The order of the lists in
/// a snapshot does not matter, and equal snapshots give equal decisions.
///
/// ### Fetching
///
/// A shard is fetched while fewer nodes hold or fetch it than ``ReplicationTarget`` says, if its model is trusted, it can
/// be had, and it fits. First come the models with most demand, then the shards with fewest holders, then those next to
/// what this node has (a run of layers on one node is one hop), then those for which this node comes first in
/// ``ShardRank``, which differs from node to node: nodes that see the same swarm begin at different places and grow from
/// there. In a large swarm only some nodes have their turn for a shard at a time, so that one missing copy is not fetched
/// by all of them.
///
/// ### Giving up
///
/// The nodes that hold a shard have a fixed order, ``ShardRank``. A node gives a shard up only while it sees enough
/// holders before itself in that order, and one of them nearby. The first of all that ever held it never does.
/// So whatever nodes decide at the same moment, and however old what they see is, the shard keeps a holder as long as
/// nobody leaves; against leaving there is ``AutoManageDecision/Prune/keepers``.
///
/// Nothing swings: a node that gives a shard up leaves at least as many holders as would be wanted, so neither it nor
/// another node with the same view fetches the shard again.
package struct AutoManagePlanner: Sendable {
    /// What the planner goes by besides the node's settings.
    package struct Rules: Sendable, Hashable {
        /// After this long it is other nodes' turn.
        package var turnSeconds: TimeInterval = 300
        /// How many times the missing copies are the nodes that have their turn at once: some may have no room.
        package var invitations = 2
        /// A shard that was given up is not fetched for this long, unless nobody holds it.
        package var afterPruneSeconds: TimeInterval = 3600
        /// A model of which a shard was given up is left alone for this long, so that the others learn of it.
        package var betweenPrunesSeconds: TimeInterval = 300
        /// A shard that was used within this time stays.
        package var recentUseSeconds: TimeInterval = 300
        /// What the times for which a shard stays at least after it came (``PruneAggressiveness/minimumHoldSeconds``) are
        /// multiplied by.
        package var holdFactor = 1.0
        /// What a window takes in memory, in percent of its shards.
        package var memoryPercent: UInt64 = 115

        package init() {}

        /// The standard rules with another pause between two prunes of a model; the times for which shards stay at least
        /// change with it.
        package init(pruneCooldownSeconds: TimeInterval) {
            let standard = Rules()
            holdFactor = pruneCooldownSeconds / standard.betweenPrunesSeconds
            recentUseSeconds = standard.recentUseSeconds * holdFactor
            betweenPrunesSeconds = pruneCooldownSeconds
        }
    }

    package var rules: Rules

    package init(rules: Rules = Rules()) { self.rules = rules }

    package func decide(_ snapshot: AutoManageSnapshot) -> AutoManageDecision {
        let survey = SwarmSurvey(snapshot)
        var decision = AutoManageDecision()
        let fetching = planFetches(survey)
        decision.fetches = fetching.fetches
        decision.passedOver = fetching.passedOver
        decision.prunes = planPrunes(survey, roomIsWanted: fetching.roomIsWanted)
        return decision
    }
}
