import Acquisition
import Foundation
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

private let megabyte: UInt64 = 1 << 20

/// Swarms and what happens to them, from a seed.
enum RandomSwarm {
    /// A swarm of one to forty nodes that hold shards at random, many of them too often.
    static func make(seed: UInt64, weather: SimulatedSwarm.Weather) throws -> SimulatedSwarm {
        var swarm = SimulatedSwarm(seed: seed, weather: weather)
        let count =
            switch Int.random(in: 0..<100, using: &swarm.random) {
            case ..<40: Int.random(in: 1...4, using: &swarm.random)
            case ..<85: Int.random(in: 5...10, using: &swarm.random)
            case ..<97: Int.random(in: 11...20, using: &swarm.random)
            default: Int.random(in: 21...40, using: &swarm.random)
            }
        let models = try (0..<Int.random(in: 1...3, using: &swarm.random)).map { number in
            AutoManageSnapshot.Model(
                id: try modelID("model-\(number)"),
                shards: try layout(
                    Int.random(in: 1...8, using: &swarm.random),
                    sizeBytes: UInt64.random(in: 1...9, using: &swarm.random) * megabyte),
                hasSource: swarm.random.happens(85), trust: trusted())
        }
        for _ in 0..<count {
            let density = swarm.random.happens(70) ? 80 : 20
            try join(&swarm, models, density: density)
        }
        return swarm
    }

    /// Adds a node that holds that percentage of the shards.
    private static func join(
        _ swarm: inout SimulatedSwarm, _ models: [AutoManageSnapshot.Model], density: Int
    ) throws {
        let id = swarm.random.node()
        let region: String? = [nil, "DE", "DE", "FR"][Int.random(in: 0..<4, using: &swarm.random)]
        // Networks lie within a region; most nodes have one for themselves.
        let site =
            swarm.random.happens(70)
            ? 1000 + swarm.members.count + Int(swarm.now.timeIntervalSince(start))
            : (region?.utf8.first.map(Int.init) ?? 0) * 2 + Int.random(in: 0..<2, using: &swarm.random)
        var settings = AutoManageSettings(
            maximumDiskBytes: UInt64.random(in: 1...200, using: &swarm.random) * megabyte,
            maximumStorageBytes: UInt64.random(in: 1...200, using: &swarm.random) * megabyte,
            windowMemoryBytes: swarm.random.happens(50)
                ? UInt64.random(in: 1...80, using: &swarm.random) * megabyte : nil)
        settings.maximumAcquisitions = Int.random(in: 0...6, using: &swarm.random)
        settings.minimumReplicas = swarm.random.happens(20) ? 1 : 2
        settings.allowsPruning = swarm.random.happens(95)
        settings.maximumShardsPerModel = swarm.random.happens(10) ? 3 : 0
        let aggressiveness: PruneAggressiveness = swarm.random.happens(60) ? .aggressive : .normal
        let contribution = ContributionLevel.allCases[Int.random(in: 0..<3, using: &swarm.random)]
        var own = models
        for number in own.indices {
            own[number].held = [:]
            own[number].downloading = []
            own[number].deleted = []
            own[number].pruned = [:]
            own[number].trust = swarm.random.happens(10) ? ModelTrust(discovered: swarm.now) : trusted(at: swarm.now)
            if swarm.random.happens(10) { own[number].trust.apply(.pinned, at: swarm.now) }
            own[number].policy = try ModelPolicy(
                isEnabled: swarm.random.happens(95), maximumShards: swarm.random.happens(10) ? 4 : 0,
                allowsPruning: swarm.random.happens(95))
            for place in own[number].shards.indices where swarm.random.happens(density) {
                let index = try shard(place)
                own[number].held[index] = .old
            }
        }
        swarm.join(
            SimulatedSwarm.Member(
                id: id, region: region, site: site, settings: settings, contribution: contribution,
                aggressiveness: aggressiveness, models: own))
    }

    /// Nodes come, and where the weather has it leave; operators delete; demand leaps.
    static func disturb(_ swarm: inout SimulatedSwarm) throws {
        if swarm.members.count < 40, swarm.random.happens(25), let models = swarm.members.first?.models {
            let density = swarm.random.happens(50) ? 80 : 0
            try join(&swarm, models, density: density)
        }
        if swarm.weather != .hazy {
            for _ in 0..<2 where swarm.members.count > 1 && swarm.random.happens(30) {
                swarm.members.remove(at: Int.random(in: 0..<swarm.members.count, using: &swarm.random))
            }
            if swarm.random.happens(30) {
                let number = Int.random(in: 0..<swarm.members.count, using: &swarm.random)
                for index in try swarm.members[number].models[0].shards.indices.map({ try shard($0) })
                where swarm.random.happens(30) {
                    swarm.members[number].models[0].held[index] = nil
                    swarm.members[number].models[0].downloading.remove(index)
                    swarm.members[number].models[0].deleted.insert(index)
                }
            }
        }
        for model in swarm.members[0].models.indices {
            let requests = [0, 0, 3, 15, 60, 1000][Int.random(in: 0..<6, using: &swarm.random)]
            for number in swarm.members.indices { swarm.members[number].models[model].requests = requests }
        }
    }

    /// What only this node knows, or thinks: flags, other demand, peers that it does not hear.
    static func distort(_ snapshot: inout AutoManageSnapshot, _ random: inout SeededRandom) {
        let number = Int.random(in: 0..<snapshot.models.count, using: &random)
        if random.happens(20) { snapshot.models[number].requests = random.happens(50) ? 0 : 500 }
        for index in snapshot.models[number].held.keys.sorted() where random.happens(15) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: snapshot.models[number].held[index]?.flags = .locked
            case 1: snapshot.models[number].held[index]?.flags = .loaded
            case 2: snapshot.models[number].held[index]?.flags = .inUse
            default:
                snapshot.models[number].held[index]?.lastUsed =
                    snapshot.now - Double.random(in: 0...600, using: &random)
            }
        }
        if random.happens(20), !snapshot.peers.isEmpty {
            snapshot.peers[Int.random(in: 0..<snapshot.peers.count, using: &random)].isHealthy = false
        }
    }

    /// A swarm in which every node has room for everything. Each model is on one node, or at its publisher, or on many.
    static func makeRoomy(seed: UInt64, count: Int) throws -> SimulatedSwarm {
        var swarm = SimulatedSwarm(seed: seed, weather: .clear)
        let models = try (0..<2).map { number in
            AutoManageSnapshot.Model(
                id: try modelID("model-\(number)"),
                shards: try layout(Int.random(in: 1...7, using: &swarm.random)), hasSource: swarm.random.happens(60),
                trust: trusted(), requests: [0, 3, 15, 60, 1000][Int.random(in: 0..<5, using: &swarm.random)])
        }
        let contribution = ContributionLevel.allCases[Int.random(in: 0..<3, using: &swarm.random)]
        for number in 0..<count {
            var own = models
            for model in own.indices where !own[model].hasSource && number == 0 {
                for place in own[model].shards.indices {
                    let index = try shard(place)
                    own[model].held[index] = .old
                }
            }
            swarm.join(
                SimulatedSwarm.Member(
                    id: swarm.random.node(), region: nil, site: number,
                    settings: AutoManageSettings(maximumDiskBytes: 1 << 40), contribution: contribution,
                    aggressiveness: .aggressive, models: own))
        }
        return swarm
    }
}
