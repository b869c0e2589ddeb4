import Events
import Exchange
import Foundation
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Swarm
import Synchronization
import Testing

@testable import Acquisition

@Suite struct GivingUpTests {
    @Test func `a surplus shard is given up once a keeper has confirmed, and told with all numbers`() async throws {
        try await withKeeperFixture(node: 200) { fixture in
            let keeper = fixture.keeper()
            try await fixture.makeSurplus(keeper)
            let before = try await fixture.held
            await keeper.turn()
            let held = try await fixture.held
            let pruned = before.subtracting(held)
            try #require(!pruned.isEmpty, "no shard came to be given up")

            let history = try await keeper.pruneHistory()
            let events = fixture.told("shard_pruned")
            #expect(Set(history.map(\.shard)) == pruned)
            #expect(events.count == pruned.count)
            for (event, record) in zip(events, history.reversed()) {
                #expect(event.category == "shard")
                #expect(event.fields.modelID == "tiny")
                #expect(event.fields.modelName == "Tiny")
                #expect(event.fields.shardIndex == record.shard.rawValue)
                #expect(event.fields.holderCountBefore == 9)
                #expect(event.fields.holderCountAfter == 8)
                #expect(event.fields.freedBytes ?? 0 > 30_000)
                #expect(event.fields.freedBytes == record.freedBytes)
                #expect(event.fields.detailText == "over_replicated")
                #expect(event.message == record.reason)
                #expect(event.message.contains("is given up: 9 nodes hold it and 3 should"))
            }
            #expect(events.last?.fields.remainingLocalShards == held.count)
            // Each was asked for by who keeps it, and the model is left alone now.
            #expect(fixture.script.now.asked.count == pruned.count)
            await keeper.turn()
            #expect(try await fixture.held == held)
            // Nor is it fetched back, not even by a process that starts anew.
            try await keeper.notePinned(fixture.id)
            await keeper.turn()
            await (try fixture.restarted()).turn()
            #expect(fixture.script.now.fetched.isEmpty)
        }
    }

    @Test func `without a confirmation nothing is deleted, which is told once`() async throws {
        try await withKeeperFixture(node: 200) { fixture in
            let keeper = fixture.keeper()
            try await fixture.makeSurplus(keeper)
            let before = try await fixture.held
            fixture.script.set { $0.confirms = false }
            for _ in 0..<3 { await keeper.turn() }
            #expect(try await fixture.held == before)
            #expect(try await keeper.pruneHistory().isEmpty)
            let kept = fixture.told("shard_prune_refused")
            #expect(!kept.isEmpty && kept.count == Set(kept.map(\.fields.shardIndex)).count)
            #expect(kept.allSatisfy { $0.message.contains("no node nearby has confirmed") })
        }
    }

    @Test func `who cannot be asked has not confirmed, and the next one is asked`() async throws {
        try await withKeeperFixture(node: 200) { fixture in
            struct Gone: Error {}
            let first = Mutex<NodeID?>(nil)
            let keeper = fixture.keeper(
                surroundings: fixture.script.surroundings { node, _, _ in
                    let isFirst = first.withLock { first in
                        first = first ?? node
                        return first == node
                    }
                    if isFirst { throw Gone() }
                    return true
                })
            try await fixture.makeSurplus(keeper)
            let before = try await fixture.held
            await keeper.turn()
            #expect(try await fixture.held != before)
            #expect(first.withLock { $0 } != nil)
        }
    }

    @Test func `a node that does not answer in ten seconds has not confirmed`() async throws {
        try await withKeeperFixture(node: 200) { fixture in
            let keeper = fixture.keeper(
                surroundings: fixture.script.surroundings { _, _, _ in
                    try await Task.sleep(for: .seconds(600))
                    return true
                })
            try await fixture.makeSurplus(keeper)
            let before = try await fixture.held
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await keeper.turn() }
                group.addTask {
                    while !Task.isCancelled {
                        fixture.clock.advance(by: .seconds(1))
                        await Task.yield()
                    }
                }
                await group.next()
                group.cancelAll()
            }
            #expect(try await fixture.held == before)
        }
    }

    /// What happens between the confirmation and the deletion.
    enum Meanwhile: CaseIterable, Sendable {
        case locked, pinned, policy, loaded, inUse, wanted, switchedOff
    }

    @Test(arguments: Meanwhile.allCases)
    func `what comes to speak for a shard after the confirmation saves it`(meanwhile: Meanwhile) async throws {
        try await withKeeperFixture(node: 200) { fixture in
            let keepers = Mutex<ShardKeeper?>(nil)
            let model = fixture.id
            let all = try await fixture.held
            let keeper = fixture.keeper(
                surroundings: fixture.script.surroundings(meanwhile: { [script = fixture.script] in
                    let keeper = try #require(keepers.withLock { $0 })
                    switch meanwhile {
                    case .locked: for shard in all { try await keeper.setLocked(true, shard, of: model) }
                    case .pinned: try await keeper.notePinned(model)
                    case .policy:
                        try await keeper.setPolicy(
                            ModelPolicy(isEnabled: true, maximumShards: 0, allowsPruning: false), of: model)
                    case .loaded: script.set { $0.loaded = all }
                    case .inUse: script.set { $0.inUse = all }
                    case .wanted: script.set { $0.downloading[model] = all }
                    case .switchedOff: await keeper.configure { $0.limits.allowsPruning = false }
                    }
                }))
            keepers.withLock { $0 = keeper }
            defer { keepers.withLock { $0 = nil } }
            try await fixture.makeSurplus(keeper)
            await keeper.turn()
            #expect(!fixture.script.now.asked.isEmpty)
            #expect(try await fixture.held == all)
            #expect(try await keeper.pruneHistory().isEmpty)
            #expect(!fixture.told("shard_prune_refused").isEmpty)
            #expect(fixture.told("shard_pruned").isEmpty && fixture.told("shard_deleted").isEmpty)
            // Nothing remembers that it was about to go.
            #expect(try fixture.records.record(of: model).shards { $0.pruned != nil }.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `a locked shard, or any of a pinned model, is never asked about`(isLocked: Bool) async throws {
        try await withKeeperFixture(node: 200) { fixture in
            let keeper = fixture.keeper()
            let all = try await fixture.held
            if isLocked {
                for shard in all { try await keeper.setLocked(true, shard, of: fixture.id) }
            } else {
                try await keeper.notePinned(fixture.id)
            }
            try await fixture.makeSurplus(keeper)
            await keeper.turn()
            #expect(fixture.script.now.asked.isEmpty)
            #expect(try await fixture.held == all)
        }
    }

    @Test func `a shard that is promised to another node is not given up until the promise has run out`() async throws {
        try await withKeeperFixture(node: 200) { fixture in
            let keeper = fixture.keeper()
            try await fixture.makeSurplus(keeper)
            let all = try await fixture.held
            for shard in all { #expect(keeper.promises.promise(fixture.id, shard)) }
            await keeper.turn()
            #expect(fixture.script.now.asked.isEmpty)
            #expect(try await fixture.held == all)
            fixture.clock.advance(by: ShardPromises.lifetime + .seconds(1))
            await keeper.turn()
            #expect(try await fixture.held != all)
        }
    }

    @Test func `two nodes that each count on the other do not both give a shard up`() async throws {
        // Both ask the other, at the same moment, as if each came after the other in the shard's order.
        try await withKeeperFixture(node: 200) { one in
            try await withKeeperFixture(node: 201) { other in
                let meeting = Meeting(2)
                let keepers = Mutex<[ShardKeeper]>([])
                @Sendable func ask(_ number: Int) -> @Sendable (NodeID, ModelID, ShardIndex) async throws -> Bool {
                    { _, model, shard in
                        await meeting.arrive()
                        let asked = keepers.withLock { $0[number] }
                        guard try await asked.library.model(model).held.contains(shard) else { return false }
                        return asked.promises.promise(model, shard)
                    }
                }
                let first = one.keeper(surroundings: one.script.surroundings(confirm: ask(1)))
                let second = other.keeper(surroundings: other.script.surroundings(confirm: ask(0)))
                keepers.withLock { $0 = [first, second] }
                defer { keepers.withLock { $0 = [] } }
                func prune(_ keeper: NodeID) throws -> AutoManageDecision.Prune {
                    AutoManageDecision.Prune(
                        model: one.id, shard: try shard(2), sizeBytes: 1, reason: .overReplicated,
                        explanation: "enough",
                        holdersBefore: 2, holdersAfter: 1, remainingShards: 5, keepers: [keeper],
                        nearbyKeepers: 1)
                }
                let (a, b) = (try prune(other.membership.me), try prune(one.membership.me))
                async let one1: Void = first.carryOut(a, names: [:])
                async let other1: Void = second.carryOut(b, names: [:])
                _ = await (one1, other1)
                let holders = [try await one.held, try await other.held].count { $0.contains(ShardIndex(2)!) }
                #expect(holders >= 1)
                #expect(one.told("shard_pruned").count + other.told("shard_pruned").count == 2 - holders)
            }
        }
    }
}

/// Lets tasks go on once so many have arrived.
private actor Meeting {
    private var missing: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { missing = count }

    func arrive() async {
        missing -= 1
        guard missing > 0 else {
            for waiter in waiting { waiter.resume() }
            waiting = []
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }
}
