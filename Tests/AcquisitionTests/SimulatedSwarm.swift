import Acquisition
import Foundation
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

/// Nodes that decide round by round, all at the same moment, and carry their decisions out.
struct SimulatedSwarm {
    /// What nodes see of each other, and what happens besides their decisions.
    enum Weather: CaseIterable {
        /// Everybody sees the swarm as it is; nodes come and go, operators delete.
        case clear
        /// What a node sees of each other one is up to three rounds old; nodes come, and nobody leaves.
        case hazy
        /// Views are old, nodes come and go, operators delete; prunes are confirmed by a keeper.
        case stormy
    }

    struct Member {
        let id: NodeID
        let region: String?
        /// The local network. Networks lie within regions.
        let site: Int
        var settings: AutoManageSettings
        var contribution: ContributionLevel
        var aggressiveness: PruneAggressiveness
        var models: [AutoManageSnapshot.Model]
    }

    /// What a node says about itself.
    private struct Report {
        var held: [ModelID: Set<ShardIndex>] = [:]
        var downloading: [ModelID: Set<ShardIndex>] = [:]
    }

    /// What happened so far, so that a test can tell that something did.
    struct Tally {
        var fetches = 0
        var prunes = 0
        var unconfirmed = 0
    }

    var random: SeededRandom
    var now = start
    var members: [Member] = []
    private(set) var tally = Tally()
    let weather: Weather
    /// Reports of the latest rounds, newest first.
    private var reports: [[NodeID: Report]] = []
    /// Where nodes are, also those that have left.
    private var places: [NodeID: (site: Int, region: String?)] = [:]

    init(seed: UInt64, weather: Weather) {
        random = SeededRandom(seed: seed)
        self.weather = weather
    }

    /// Every shard that some node holds, by model.
    func holders() -> [ModelID: [ShardIndex: [Member]]] {
        var holders: [ModelID: [ShardIndex: [Member]]] = [:]
        for member in members {
            for model in member.models {
                for index in model.held.keys { holders[model.id, default: [:]][index, default: []].append(member) }
            }
        }
        return holders
    }

    /// One round: everybody reports, decides, and carries out.
    ///
    /// - Parameter disturb: changes what a node sees before it decides.
    /// - Returns: what they decided, in the order of `members`.
    mutating func round(
        disturb: (inout AutoManageSnapshot, inout SeededRandom) -> Void = { _, _ in }
    ) -> [(snapshot: AutoManageSnapshot, decision: AutoManageDecision)] {
        publish()
        var outcomes: [(snapshot: AutoManageSnapshot, decision: AutoManageDecision)] = []
        for member in members {
            var snapshot = view(of: member)
            disturb(&snapshot, &random)
            outcomes.append((snapshot, AutoManagePlanner().decide(snapshot)))
        }
        finishDownloads()
        for number in members.indices { carryOut(outcomes[number].decision, by: number) }
        return outcomes
    }

    private mutating func publish() {
        var latest: [NodeID: Report] = [:]
        for member in members {
            var report = Report()
            for model in member.models {
                report.held[model.id] = Set(model.held.keys)
                report.downloading[model.id] = model.downloading
            }
            latest[member.id] = report
        }
        reports.insert(latest, at: 0)
        if reports.count > 4 { reports.removeLast() }
    }

    private mutating func view(of member: Member) -> AutoManageSnapshot {
        var peers: [AutoManageSnapshot.Peer] = []
        // In stormy weather also those that have left since may be seen.
        let known = weather == .stormy ? Set(reports.flatMap(\.keys)).sorted() : members.map(\.id)
        for id in known where id != member.id {
            let age = weather == .clear ? 0 : Int.random(in: 0..<reports.count, using: &random)
            guard let report = reports[age][id] else { continue }
            let other = places[id]
            peers.append(
                AutoManageSnapshot.Peer(
                    id: id, isHealthy: true, isLocal: other?.site == member.site, region: other?.region,
                    held: report.held, downloading: report.downloading))
        }
        return AutoManageSnapshot(
            node: member.id, region: member.region, now: now, models: member.models, peers: peers,
            settings: member.settings, contribution: member.contribution, pruneAggressiveness: member.aggressiveness)
    }

    mutating func join(_ member: Member) {
        members.append(member)
        places[member.id] = (member.site, member.region)
    }

    /// Downloads of the round before are done where somebody still has the shard.
    private mutating func finishDownloads() {
        let holders = holders()
        for number in members.indices {
            for model in members[number].models.indices {
                let entry = members[number].models[model]
                for index in entry.downloading where entry.hasSource || holders[entry.id]?[index] != nil {
                    members[number].models[model].held[index] = .init(heldSince: now)
                }
                members[number].models[model].downloading = []
            }
        }
    }

    private mutating func carryOut(_ decision: AutoManageDecision, by number: Int) {
        tally.fetches += decision.fetches.count
        for fetch in decision.fetches {
            guard let model = members[number].models.firstIndex(where: { $0.id == fetch.model }) else { continue }
            members[number].models[model].downloading.insert(fetch.shard)
        }
        for prune in decision.prunes {
            if weather == .stormy, !isConfirmed(prune) {
                tally.unconfirmed += 1
                continue
            }
            guard let model = members[number].models.firstIndex(where: { $0.id == prune.model }) else { continue }
            tally.prunes += 1
            members[number].models[model].held[prune.shard] = nil
            members[number].models[model].pruned[prune.shard] = now
        }
    }

    /// Whether a nearby keeper is there and holds the shard.
    private func isConfirmed(_ prune: AutoManageDecision.Prune) -> Bool {
        prune.keepers.prefix(prune.nearbyKeepers).contains { keeper in
            members.contains { member in
                member.id == keeper && member.models.contains { $0.id == prune.model && $0.held[prune.shard] != nil }
            }
        }
    }
}
