import Acquisition
import Foundation
import GGUF
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

private typealias Model = AutoManageSnapshot.Model
private typealias Peer = AutoManageSnapshot.Peer
private typealias Reason = AutoManageDecision.PassedOver.Reason

private let megabyte: UInt64 = 1 << 20

private func model(_ name: String = "m", shards: Int = 4, requests: Int = 1) throws -> Model {
    Model(id: try modelID(name), shards: try layout(shards), hasSource: true, trust: trusted(), requests: requests)
}

private func shards(_ numbers: Int...) throws -> Set<ShardIndex> { Set(try numbers.map { try shard($0) }) }

private func peer(_ number: UInt8, _ held: [String: Set<ShardIndex>] = [:], downloading: Set<ShardIndex> = []) throws
    -> Peer
{
    Peer(
        id: try node(number), held: Dictionary(uniqueKeysWithValues: try held.map { (try modelID($0), $1) }),
        downloading: [try modelID("m"): downloading])
}

/// A node alone with one model of four shards of 1 MB, and room for everything.
private func scene(_ models: [Model], peers: [Peer] = []) throws -> AutoManageSnapshot {
    AutoManageSnapshot(
        node: try node(1), now: start, models: models, peers: peers,
        settings: AutoManageSettings(maximumDiskBytes: 1 << 40))
}

private func decide(_ snapshot: AutoManageSnapshot) -> AutoManageDecision { AutoManagePlanner().decide(snapshot) }

struct FetchDecisionTests {
    @Test func `a node alone fetches a run, as many shards as it has slots`() throws {
        var snapshot = try scene([try model(shards: 9)])
        var held: Set<Int> = []
        for _ in 0..<3 {
            let decision = decide(snapshot)
            #expect(decision.fetches.count == 3 && decision.prunes.isEmpty && decision.passedOver.isEmpty)
            #expect(decision.fetches.allSatisfy { $0.reason == .noHolder && $0.holders.isEmpty })
            for fetch in decision.fetches {
                held.insert(fetch.shard.rawValue)
                snapshot.models[0].held[fetch.shard] = .init(heldSince: start)
            }
            let first = try #require(held.min())
            #expect(held == Set(first..<first + held.count))
        }
        let decision = decide(snapshot)
        #expect(decision.fetches.isEmpty)
        #expect(decision.passedOver.map(\.reason) == [.complete])
    }

    @Test(
        "slots are the fewest of settings and level, less what is being fetched",
        arguments: [
            (3, ContributionLevel.maximum, 0, 3), (10, .maximum, 0, 4), (10, .moderate, 0, 2), (10, .minimal, 0, 1),
            (3, .maximum, 2, 1), (3, .maximum, 3, 0), (3, .maximum, 5, 0), (0, .maximum, 0, 0), (-1, .maximum, 0, 0),
        ])
    func slots(limit: Int, level: ContributionLevel, running: Int, expected: Int) throws {
        var snapshot = try scene([try model(shards: 20)])
        snapshot.settings.maximumAcquisitions = limit
        snapshot.contribution = level
        snapshot.models[0].downloading = Set(try (10..<10 + running).map { try shard($0) })
        let decision = decide(snapshot)
        #expect(decision.fetches.count == expected)
        #expect(decision.passedOver.map(\.reason) == (expected == 0 ? [.busy] : []))
    }

    @Test func `fewest holders come first, then what is next to the held shards`() throws {
        var snapshot = try scene(
            [try model(shards: 6, requests: 200)],
            peers: [
                try peer(2, ["m": try shards(0, 1, 2, 4, 5)]), try peer(3, ["m": try shards(0, 1, 2, 4)]),
                try peer(4), try peer(5),
            ])
        snapshot.models[0].held = [try shard(1): .old]
        snapshot.settings.maximumAcquisitions = 4
        let decision = decide(snapshot)
        // 3 has no holder, 5 has one; then 0, 2 and 4 have two each, of which all but 4 are next to 1, and 4 to 3.
        #expect(decision.fetches.prefix(2).map(\.shard.rawValue) == [3, 5])
        #expect(decision.fetches.map(\.reason) == [.noHolder, .tooFewHolders, .tooFewHolders, .tooFewHolders])
        #expect(decision.fetches[1].holders == [try node(2)])
        #expect(decision.fetches[1].explanation.contains("1 of 5 nodes"))
        #expect(decision.fetches[1].explanation.contains("200 requests"))
    }

    @Test func `a shard next to what is held comes before others as rare`() throws {
        for number in 0..<9 {
            var snapshot = try scene([try model(shards: 9)])
            snapshot.models[0].held = [try shard(number): .old]
            snapshot.settings.maximumAcquisitions = 1
            let fetched = try #require(decide(snapshot).fetches.first).shard.rawValue
            #expect(abs(fetched - number) == 1)
        }
    }

    @Test func `the model with most demand comes first, small differences do not count`() throws {
        var snapshot = try scene([
            try model("a", requests: 7), try model("b", requests: 50), try model("c", requests: 0),
        ])
        #expect(Set(decide(snapshot).fetches.map(\.model.rawValue)) == ["b"])
        snapshot.models[1].isDeleted = true
        #expect(Set(decide(snapshot).fetches.map(\.model.rawValue)) == ["a"])
        // 7 and 9 requests are the same step: the rarer shards decide.
        snapshot.models[2].requests = 9
        snapshot.peers = [try peer(2, ["a": try shards(0, 1, 2, 3)])]
        #expect(Set(decide(snapshot).fetches.map(\.model.rawValue)) == ["c"])
    }

    /// What keeps a node from fetching anything of the model.
    enum Obstacle: CaseIterable {
        case off, policy, deleted, noShards, complete, untrusted, shardLimit, nodeShardLimit, busy, room, freeDisk,
            contribution, storage, memory, noSource, unhealthySource, pruned, deletedShards, holders, comingHolders
    }

    @Test(arguments: Obstacle.allCases)
    func `a model that is passed over says why`(obstacle: Obstacle) throws {
        var snapshot = try scene([try model(shards: 4)], peers: [try peer(2)])
        #expect(decide(snapshot).fetches.count == 3)
        let all = try shards(0, 1, 2, 3)
        let id = try modelID("m")
        let reason: Reason
        switch obstacle {
        case .off: (snapshot.settings.isEnabled, reason) = (false, .managementOff)
        case .policy:
            snapshot.models[0].policy = try ModelPolicy(isEnabled: false, maximumShards: 0, allowsPruning: true)
            reason = .policyOff
        case .deleted: (snapshot.models[0].isDeleted, reason) = (true, .modelDeleted)
        case .noShards: (snapshot.models[0].shards, reason) = ([], .noShards)
        case .complete:
            snapshot.models[0].held = [try shard(0): .old, try shard(1): .old, try shard(2): .old]
            snapshot.models[0].downloading = try shards(3)
            reason = .complete
        case .untrusted: (snapshot.models[0].trust, reason) = (ModelTrust(discovered: start), .untrusted)
        case .shardLimit:
            snapshot.models[0].policy = try ModelPolicy(isEnabled: true, maximumShards: 2, allowsPruning: true)
            snapshot.models[0].held = [try shard(0): .old]
            snapshot.models[0].downloading = try shards(1)
            reason = .shardLimit
        case .nodeShardLimit:
            snapshot.settings.maximumShardsPerModel = 1
            snapshot.models[0].held = [try shard(0): .old]
            reason = .shardLimit
        case .busy: (snapshot.settings.maximumAcquisitions, reason) = (0, .busy)
        case .room: (snapshot.settings.maximumDiskBytes, reason) = (2 * megabyte - 2, .noRoom)
        case .freeDisk: (snapshot.settings.freeDiskBytes, reason) = (megabyte - 1, .noRoom)
        case .contribution:
            snapshot.settings.maximumStorageBytes = 4 * megabyte - 1
            snapshot.contribution = .minimal
            reason = .noRoom
        case .storage:
            snapshot.settings.maximumStorageBytes = 3 * megabyte - 1
            snapshot.models[0].held = [try shard(0): .old]
            snapshot.models[0].downloading = try shards(1)
            reason = .noRoom
        case .memory: (snapshot.settings.windowMemoryBytes, reason) = (megabyte * 114 / 100, .noMemory)
        case .noSource: (snapshot.models[0].hasSource, reason) = (false, .noSource)
        case .unhealthySource:
            snapshot.models[0].hasSource = false
            snapshot.peers.append(Peer(id: try node(3), isHealthy: false, held: [id: all]))
            reason = .noSource
        case .pruned:
            snapshot.peers[0].held[id] = all
            for index in all { snapshot.models[0].pruned[index] = start - 3599 }
            reason = .prunedLately
        case .deletedShards: (snapshot.models[0].deleted, reason) = (all, .shardDeleted)
        case .holders:
            snapshot.peers = try (2...4).map { try peer($0, ["m": all]) }
            reason = .enoughHolders
        case .comingHolders:
            snapshot.peers = [
                try peer(2, ["m": all]), try peer(3, downloading: all),
                try peer(4, ["m": try shards(0)], downloading: all),
            ]
            reason = .enoughHolders
        }
        let decision = decide(snapshot)
        #expect(summary(decision) == "")
        #expect(decision.passedOver.map(\.reason) == [reason])
        #expect(decision.passedOver.allSatisfy { $0.explanation.hasPrefix("nothing of m is fetched: ") })
    }

    @Test func `what was given up lately is fetched all the same once nobody holds it`() throws {
        let index = try shard(0)
        var snapshot = try scene([try model(shards: 1)], peers: [try peer(2, ["m": [index]])])
        snapshot.models[0].pruned[index] = start - 10
        #expect(summary(decide(snapshot)) == "")
        snapshot.peers[0].held = [:]
        #expect(summary(decide(snapshot)) == "+m:0")
        snapshot.peers[0].held = [try modelID("m"): try shards(0)]
        snapshot.models[0].pruned[index] = start - 3600
        #expect(summary(decide(snapshot)) == "+m:0")
    }

    @Test func `a shard that an operator deleted stays deleted, the others are fetched`() throws {
        var snapshot = try scene([try model(shards: 3)])
        snapshot.models[0].deleted = try shards(1)
        let others = try shards(0, 2)
        #expect(Set(decide(snapshot).fetches.map(\.shard)) == others)
    }

    @Test func `a smaller shard is fetched where a greater one finds no room`() throws {
        var snapshot = try scene([try model(shards: 3)])
        snapshot.models[0].shards[0].sizeBytes = 50 * megabyte
        snapshot.models[0].shards[1].sizeBytes = 50 * megabyte
        snapshot.settings.maximumStorageBytes = 10 * megabyte
        #expect(summary(decide(snapshot)) == "+m:2")
    }

    @Test func `absurd sizes and numbers are refused, not added up`() throws {
        var snapshot = try scene([try model(shards: 4, requests: .max)])
        for index in 0..<4 { snapshot.models[0].shards[index].sizeBytes = .max - 1 }
        snapshot.models[0].held = [try shard(0): .old, try shard(1): .old, try shard(60_000): .old]
        snapshot.settings.maximumDiskBytes = .max
        snapshot.settings.maximumStorageBytes = .max
        snapshot.settings.minimumReplicas = .max
        snapshot.now = Date(timeIntervalSince1970: 1e300)
        snapshot.peers = [try peer(2, ["m": try shards(2, 65_535)], downloading: try shards(3, 65_000))]
        snapshot.models[0].trust.apply(.pinned, at: start)
        #expect(decide(snapshot).fetches.isEmpty)
        #expect(decide(snapshot).passedOver.map(\.reason) == [.noRoom])
    }

    @Test func `nodes that see the same swarm begin at different shards`() throws {
        var first: Set<Int> = []
        for number in 1...40 {
            var snapshot = try scene([try model(shards: 12)])
            snapshot.node = try node(UInt8(number))
            snapshot.settings.maximumAcquisitions = 1
            first.insert(try #require(decide(snapshot).fetches.first).shard.rawValue)
        }
        #expect(first.count >= 10)
    }

    @Test func `in a large swarm only some fetch a rare shard at a time, and everybody has a turn`() throws {
        let swarm = try (1...40).map { try node(UInt8($0)) }
        var invited: [NodeID: Int] = [:]
        var most = 0
        for turn in 0..<60 {
            var count = 0
            for member in swarm {
                var snapshot = try scene([try model(shards: 1, requests: 0)])
                snapshot.node = member
                snapshot.now = start + Double(turn) * 300
                snapshot.peers = swarm.filter { $0 != member }.map { Peer(id: $0) }
                let decision = decide(snapshot)
                if decision.fetches.isEmpty {
                    #expect(decision.passedOver.map(\.reason) == [.othersTurn])
                } else {
                    count += 1
                    invited[member, default: 0] += 1
                }
            }
            most = max(most, count)
        }
        // Six are wanted, twice as many have their turn on average.
        #expect(invited.count == 40)
        #expect(most <= 24)
        #expect((600...840).contains(invited.values.reduce(0, +)))
    }
}
