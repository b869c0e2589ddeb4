import Acquisition
import Foundation
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

private typealias Model = AutoManageSnapshot.Model
private typealias Peer = AutoManageSnapshot.Peer

private func decide(_ snapshot: AutoManageSnapshot) -> AutoManageDecision { AutoManagePlanner().decide(snapshot) }

/// Ten nodes that all hold the one shard of a model that nobody asks for: three should, a node gives up behind six.
private struct Swarm {
    let model: ModelID
    /// In the shard's order.
    let nodes: [NodeID]

    init() throws {
        let model = try modelID("m")
        let index = try shard(0)
        self.model = model
        nodes = try (1...10).map { try node($0) }
            .sorted {
                ShardRank(node: $0, model: model, shard: index) < ShardRank(node: $1, model: model, shard: index)
            }
    }

    /// What the node at that place of the order sees.
    func snapshot(_ place: Int) throws -> AutoManageSnapshot {
        AutoManageSnapshot(
            node: nodes[place], now: start,
            models: [
                Model(
                    id: model, shards: try layout(1), hasSource: true, trust: trusted(), held: [try shard(0): .old])
            ],
            peers: try nodes.filter { $0 != nodes[place] }.map { Peer(id: $0, held: [model: [try shard(0)]]) },
            settings: AutoManageSettings(maximumDiskBytes: 1 << 40))
    }
}

struct PruneDecisionTests {
    @Test(
        "so many holders stay as the schedule says, the first of the order",
        arguments: [
            // Three are wanted. With more demand five would be, and one or two stay besides.
            (PruneAggressiveness.aggressive, false, 3), (.normal, false, 6), (.conservative, false, 7),
            (.normal, true, 3), (.conservative, true, 3),
        ])
    func keepers(aggressiveness: PruneAggressiveness, isFull: Bool, stay: Int) throws {
        let swarm = try Swarm()
        for place in 0..<10 {
            var snapshot = try swarm.snapshot(place)
            snapshot.pruneAggressiveness = aggressiveness
            if isFull { snapshot.settings.maximumDiskBytes = 1 }
            let decision = decide(snapshot)
            #expect(summary(decision) == (place < stay ? "" : "-m:0"), "place \(place)")
            guard let prune = decision.prunes.first else { continue }
            #expect(prune.keepers == Array(swarm.nodes[..<place]))
            #expect(prune.nearbyKeepers == place)
            #expect(prune.reason == (isFull ? .roomWanted : .overReplicated))
            #expect(prune.holdersBefore == 10)
            #expect(prune.holdersAfter == 9)
            #expect(prune.remainingShards == 0)
            #expect(prune.sizeBytes == 1 << 20)
            #expect(prune.explanation.hasPrefix("shard 0 of m is given up: 10 nodes hold it and 3 should; "))
        }
    }

    @Test func `room that another shard needs is made`() throws {
        let swarm = try Swarm()
        var snapshot = try swarm.snapshot(4)
        #expect(summary(decide(snapshot)) == "")
        snapshot.settings.maximumStorageBytes = 3 << 20
        snapshot.models.append(
            Model(id: try modelID("b"), shards: try layout(1, sizeBytes: 1 << 30), hasSource: true, trust: trusted()))
        snapshot.settings.maximumAcquisitions = 10
        // In ten nodes this one has its turn for the other model now or later.
        let decisions = (0..<20).map { turn in
            snapshot.now = start + Double(turn) * 300
            return decide(snapshot)
        }
        #expect(decisions.contains { summary($0) == "-m:0" && $0.prunes[0].reason == .roomWanted })
        #expect(decisions.flatMap(\.fetches).isEmpty)
    }

    /// What keeps a shard on a node that would give it up.
    enum Guard: CaseIterable {
        case locked, loaded, inUse, pinned, downloading, noSource, usedLately, usedInTheFuture, heldLately,
            prunedLately,
            policy, pruningOff, modelPolicyOff, managementOff, lastInRegion, lastOnNetwork, fewerHealthy, fewerHolders,
            demand, doubleCounted
    }

    @Test(arguments: Guard.allCases)
    func `a shard stays`(reason: Guard) throws {
        let swarm = try Swarm()
        var snapshot = try swarm.snapshot(9)
        #expect(summary(decide(snapshot)) == "-m:0")
        let (index, other) = (try shard(0), try shard(5))
        switch reason {
        case .locked: snapshot.models[0].held[index]?.flags = .locked
        case .loaded: snapshot.models[0].held[index]?.flags = .loaded
        case .inUse: snapshot.models[0].held[index]?.flags = .inUse
        case .pinned: snapshot.models[0].trust.apply(.pinned, at: start)
        case .downloading: snapshot.models[0].downloading = [index]
        case .noSource: snapshot.models[0].hasSource = false
        case .usedLately: snapshot.models[0].held[index]?.lastUsed = start - 299
        case .usedInTheFuture: snapshot.models[0].held[index]?.lastUsed = start + 50
        case .heldLately: snapshot.models[0].held[index]?.heldSince = start - 3599
        case .prunedLately: snapshot.models[0].pruned[other] = start - 299
        case .policy:
            snapshot.models[0].policy = try ModelPolicy(isEnabled: true, maximumShards: 0, allowsPruning: false)
        case .modelPolicyOff:
            snapshot.models[0].policy = try ModelPolicy(isEnabled: false, maximumShards: 0, allowsPruning: true)
        case .pruningOff: snapshot.settings.allowsPruning = false
        case .managementOff: snapshot.settings.isEnabled = false
        case .lastInRegion: snapshot.region = "FR"
        case .lastOnNetwork:
            snapshot.peers.append(Peer(id: try node(99), isLocal: true))
        case .fewerHealthy: for number in 0..<7 { snapshot.peers[number].isHealthy = false }
        case .fewerHolders: for number in 0..<7 { snapshot.peers[number].held = [:] }
        case .demand: snapshot.models[0].requests = 1000
        case .doubleCounted:
            let own = Peer(id: snapshot.node, held: snapshot.peers[0].held)
            snapshot.peers = Array(repeating: snapshot.peers[0], count: 20) + [own]
        }
        #expect(decide(snapshot).prunes.isEmpty)
    }

    @Test func `a shard that was used five minutes ago and held an hour may go`() throws {
        var snapshot = try Swarm().snapshot(9)
        let (index, other) = (try shard(0), try shard(5))
        snapshot.models[0].held[index] = .init(heldSince: start - 3600, lastUsed: start - 300)
        snapshot.models[0].pruned[other] = start - 300
        #expect(summary(decide(snapshot)) == "-m:0")
    }

    @Test func `nearby keepers come first`() throws {
        let swarm = try Swarm()
        var snapshot = try swarm.snapshot(9)
        snapshot.region = "DE"
        for number in snapshot.peers.indices {
            snapshot.peers[number].region = number % 2 == 0 ? "DE" : "FR"
        }
        var prune = try #require(decide(snapshot).prunes.first)
        #expect(prune.keepers == [0, 2, 4, 6, 8, 1, 3, 5, 7].map { swarm.nodes[$0] })
        #expect(prune.nearbyKeepers == 5)
        snapshot.peers[3].isLocal = true
        snapshot.peers[3].region = "DE"
        prune = try #require(decide(snapshot).prunes.first)
        #expect(prune.keepers == [3, 0, 1, 2, 4, 5, 6, 7, 8].map { swarm.nodes[$0] })
        #expect(prune.nearbyKeepers == 1)
    }

    @Test func `one decision gives up few shards, those that split no run first`() throws {
        let model = try modelID("m")
        let others = try (2...120).map { try node($0) }
        let indices = try (0..<8).map { try shard($0) }
        // A node that comes after twenty others in the order of each shard, and for each shard twenty such others.
        let found = try (121...255).map { try node($0) }.first { me in
            indices.allSatisfy { betterThan(me, in: others, model, $0).count >= 20 }
        }
        let me = try #require(found)
        let held = [0, 2, 3, 4, 5, 7].map { indices[$0] }
        let holders = indices.map { Set(betterThan(me, in: others, model, $0).prefix(20)) }
        let snapshot = AutoManageSnapshot(
            node: me, now: start,
            models: [
                Model(
                    id: model, shards: try layout(8), hasSource: true, trust: trusted(),
                    held: Dictionary(uniqueKeysWithValues: held.map { ($0, .old) }))
            ],
            peers: others.map { peer in
                Peer(id: peer, held: [model: Set(indices.filter { holders[$0.rawValue].contains(peer) })])
            },
            settings: AutoManageSettings(maximumDiskBytes: 1 << 40))
        let decision = decide(snapshot)
        #expect(decision.prunes.map(\.shard.rawValue) == [0, 7, 2])
        #expect(decision.prunes.map(\.remainingShards) == [5, 4, 3])
    }

    private func betterThan(_ me: NodeID, in others: [NodeID], _ model: ModelID, _ shard: ShardIndex) -> [NodeID] {
        let own = ShardRank(node: me, model: model, shard: shard)
        return others.filter { ShardRank(node: $0, model: model, shard: shard) < own }
    }
}
