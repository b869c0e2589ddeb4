import Acquisition
import Foundation
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

private typealias Snapshot = AutoManageSnapshot

/// Swarms of one test case; several cases run at the same time.
private let swarmsPerBatch = 90
private let batches = Array(0..<8)

struct RandomSwarmTests {
    @Test(arguments: SimulatedSwarm.Weather.allCases, batches)
    func `no shard loses its last holder, and every limit holds`(weather: SimulatedSwarm.Weather, batch: Int) throws {
        var tally = SimulatedSwarm.Tally()
        for number in 0..<swarmsPerBatch {
            let seed = UInt64(batch * 1000 + number)
            var swarm = try RandomSwarm.make(seed: seed, weather: weather)
            for round in 0..<6 {
                swarm.now += Double.random(in: 60...3000, using: &swarm.random)
                try RandomSwarm.disturb(&swarm)
                let before = swarm.holders()
                let outcomes = swarm.round(disturb: RandomSwarm.distort)
                let place = "seed \(seed), \(weather), round \(round)"
                for (snapshot, decision) in outcomes { check(decision, of: snapshot, place) }
                checkHolders(before, swarm, place)
                if round == 3, let outcome = outcomes.first { checkOrder(outcome, &swarm.random, place) }
            }
            tally.fetches += swarm.tally.fetches
            tally.prunes += swarm.tally.prunes
            tally.unconfirmed += swarm.tally.unconfirmed
        }
        // Rules that forbade everything would pass the rest.
        #expect(tally.fetches > 100 && tally.prunes > 100, "\(tally)")
        #expect((tally.unconfirmed > 0) == (weather == .stormy), "\(tally)")
    }

    /// What was held is held afterwards: somewhere, in its region, and on its network where views are exact.
    private func checkHolders(
        _ before: [ModelID: [ShardIndex: [SimulatedSwarm.Member]]], _ swarm: SimulatedSwarm, _ place: String
    ) {
        let after = swarm.holders()
        let sites = Dictionary(grouping: swarm.members, by: \.site)
        for (model, shards) in before {
            for (index, holders) in shards {
                let left = after[model]?[index] ?? []
                guard !left.isEmpty else {
                    Issue.record("\(place): shard \(index) of \(model) lost its last holder")
                    continue
                }
                for holder in holders where !left.contains(where: { $0.id == holder.id }) {
                    if !left.contains(where: { $0.region == holder.region }) {
                        Issue.record("\(place): shard \(index) of \(model) lost its last holder in its region")
                    }
                    let hasCompany = (sites[holder.site]?.count ?? 0) > 1
                    if swarm.weather == .clear, hasCompany, !left.contains(where: { $0.site == holder.site }) {
                        Issue.record("\(place): shard \(index) of \(model) lost its last holder on its network")
                    }
                }
            }
        }
    }

    /// The rules again, written without the planner's own words.
    private func check(_ decision: AutoManageDecision, of snapshot: Snapshot, _ place: String) {
        let settings = snapshot.settings
        let models = Dictionary(uniqueKeysWithValues: snapshot.models.map { ($0.id, $0) })
        func bytes(_ model: Snapshot.Model, _ shards: some Sequence<ShardIndex>) -> UInt64 {
            shards.reduce(0) { $0 + model.shards[$1.rawValue].sizeBytes }
        }
        var fetched: [ModelID: Set<ShardIndex>] = [:]
        for fetch in decision.fetches {
            guard let model = models[fetch.model] else { continue }
            fetched[model.id, default: []].insert(fetch.shard)
            let isNew = model.held[fetch.shard] == nil && !model.downloading.contains(fetch.shard)
            let isWanted = !model.deleted.contains(fetch.shard) && !model.isDeleted && model.policy.isEnabled
            let canBeHad = model.hasSource || !fetch.holders.isEmpty
            let isTrusted = model.trust.level(at: snapshot.now) != .discovered
            if !(isNew && isWanted && canBeHad && isTrusted && settings.isEnabled) {
                Issue.record("\(place): \(fetch.explanation)")
            }
        }
        var total: UInt64 = 0
        var running = 0
        for model in snapshot.models {
            let own = model.downloading.union(model.held.keys).union(fetched[model.id] ?? [])
            total += bytes(model, own)
            running += model.downloading.count
            guard fetched[model.id] != nil else { continue }
            for limit in [settings.maximumShardsPerModel, model.policy.maximumShards] where limit > 0 {
                if own.count > limit { Issue.record("\(place): \(own.count) shards of \(model.id), limit \(limit)") }
            }
            if let memory = settings.windowMemoryBytes, bytes(model, own) * 115 / 100 > memory {
                Issue.record("\(place): \(model.id) does not fit into memory")
            }
        }
        if !decision.fetches.isEmpty {
            let limit = min(settings.maximumDiskBytes, settings.maximumStorageBytes)
            if total > limit { Issue.record("\(place): \(total) bytes, limit \(limit)") }
            if running + decision.fetches.count > settings.maximumAcquisitions {
                Issue.record("\(place): \(running) and \(decision.fetches.count) at once")
            }
        }
        for prune in decision.prunes {
            guard let model = models[prune.model], let held = model.held[prune.shard] else {
                Issue.record("\(place): gives up what it does not hold")
                continue
            }
            let others = snapshot.peers.filter { $0.isHealthy && $0.held[model.id]?.contains(prune.shard) == true }
            let isIdle = held.lastUsed.map { snapshot.now.timeIntervalSince($0) >= 300 } ?? true
            let isAllowed =
                settings.isEnabled && settings.allowsPruning && model.policy.isEnabled
                && model.policy.allowsPruning
            if !(held.flags.isEmpty && isIdle && isAllowed && model.hasSource && !model.trust.isPinned
                && others.count >= settings.minimumReplicas && prune.nearbyKeepers > 0)
            {
                Issue.record("\(place): \(prune.explanation)")
            }
        }
        let named = Set(decision.fetches.map(\.model)).union(decision.passedOver.map(\.model))
        if named != Set(models.keys) { Issue.record("\(place): a model is not accounted for") }
    }

    /// The same swarm, told in another order, gives the same decision.
    private func checkOrder(
        _ outcome: (snapshot: Snapshot, decision: AutoManageDecision), _ random: inout SeededRandom, _ place: String
    ) {
        var snapshot = outcome.snapshot
        snapshot.models.shuffle(using: &random)
        snapshot.peers.shuffle(using: &random)
        #expect(AutoManagePlanner().decide(snapshot) == outcome.decision, "\(place)")
    }

    @Test(arguments: [1, 2, 3, 4, 6, 9, 14, 22, 40], [UInt64(1), 2, 3])
    func `with enough room every model becomes covered, and then nothing happens any more`(
        count: Int, seed: UInt64
    ) throws {
        var swarm = try RandomSwarm.makeRoomy(seed: seed * 100 + UInt64(count), count: count)
        var quiet = 0
        var rounds = 0
        while quiet < 15, rounds < 80 {
            swarm.now += 300
            let isQuiet = swarm.round().allSatisfy { $0.decision.fetches.isEmpty && $0.decision.prunes.isEmpty }
            quiet = isQuiet ? quiet + 1 : 0
            rounds += 1
        }
        #expect(quiet == 15, "seed \(seed), \(count) nodes: not settled after \(rounds) rounds")
        let holders = swarm.holders()
        for model in try #require(swarm.members.first).models {
            let target = ReplicationTarget.holders(
                pool: count, demand: .init(requests: model.requests), minimumReplicas: 2)
            for index in model.shards.indices {
                let found = holders[model.id]?[try shard(index)]?.count ?? 0
                #expect(found >= target, "seed \(seed), \(count) nodes: shard \(index) of \(model.id)")
            }
        }
    }

    @Test func `surplus holders give up until the target and its spare are left, and nobody fetches again`() throws {
        var swarm = try RandomSwarm.makeRoomy(seed: 77, count: 24)
        for number in swarm.members.indices {
            swarm.members[number].aggressiveness = .normal
            for model in swarm.members[number].models.indices {
                let shards = swarm.members[number].models[model].shards
                swarm.members[number].models[model].hasSource = true
                swarm.members[number].models[model].requests = 0
                swarm.members[number].models[model].held = Dictionary(
                    uniqueKeysWithValues: try shards.indices.map { (try shard($0), .old) })
            }
        }
        for _ in 0..<40 {
            swarm.now += 300
            _ = swarm.round()
        }
        // ⌈log₂ 24⌉ are wanted; half as many more stay for the case of demand, and one to spare.
        let counts = swarm.holders().values.flatMap { $0.values.map(\.count) }
        #expect(Set(counts) == [9])
        #expect(swarm.tally.fetches == 0)
    }

    @Test func `what an operator deleted never comes back`() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var swarm = try RandomSwarm.makeRoomy(seed: 500 + seed, count: Int(seed) % 7 + 1)
            var deleted: [NodeID: Set<ShardIndex>] = [:]
            for number in swarm.members.indices {
                let first = swarm.members[number].models[0]
                let chosen = Set(
                    try first.shards.indices.map { try shard($0) }.filter { _ in swarm.random.happens(50) })
                swarm.members[number].models[0].deleted = chosen
                swarm.members[number].models[0].hasSource = true
                swarm.members[number].models[0].held = [:]
                deleted[swarm.members[number].id] = chosen
            }
            for _ in 0..<12 {
                swarm.now += 300
                _ = swarm.round()
                for member in swarm.members {
                    let own = member.models[0].downloading.union(member.models[0].held.keys)
                    #expect(own.isDisjoint(with: deleted[member.id] ?? []), "seed \(seed)")
                }
            }
            #expect(swarm.tally.fetches > 0)
        }
    }

    @Test func `nodes that share a model hold few runs`() throws {
        var runs = 0
        var shards = 0
        for seed in 1...12 as ClosedRange<UInt64> {
            var swarm = try RandomSwarm.makeRoomy(seed: 900 + seed, count: 6)
            for number in swarm.members.indices {
                swarm.members[number].models = [swarm.members[number].models[0]]
                swarm.members[number].models[0].shards = try layout(24)
                swarm.members[number].models[0].held = [:]
                swarm.members[number].models[0].hasSource = true
                swarm.members[number].models[0].requests = 0
            }
            for _ in 0..<30 {
                swarm.now += 300
                _ = swarm.round()
            }
            for member in swarm.members {
                let held = Set(member.models[0].held.keys.map(\.rawValue))
                shards += held.count
                runs += held.count { !held.contains($0 - 1) }
            }
        }
        // Eight of twenty-four shards, chosen at random, make five runs: 1.5 shards each.
        #expect(shards >= 12 * 48)
        #expect(Double(shards) / Double(runs) >= 2.5, "\(runs) runs, \(shards) shards")
    }
}
