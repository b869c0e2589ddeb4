import BLAKE3
import Events
import Exchange
import Foundation
import Link
import ModelLibrary
import ShoalTestSupport
import Store
import Swarm
import Testing
import Timing

@testable import Acquisition

@Suite struct ShardKeeperTests {
    // MARK: - Fetching

    @Test func `missing shards of a pinned model are fetched, and that is told with the reason`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            fixture.membership.set([try await fixture.peer(2, shards: [0, 1, 2])])
            await keeper.turn()
            #expect(fixture.script.now.fetched.isEmpty)
            #expect(fixture.told("auto_manage_passed_over").map(\.fields.detailText) == ["untrusted"])

            try await keeper.notePinned(fixture.id)
            await keeper.turn()
            #expect(Set(fixture.script.now.fetched) == ["tiny:1", "tiny:2"])
            let events = fixture.told("auto_manage_fetch")
            #expect(Set(events.map(\.fields.shardIndex)) == [1, 2])
            for event in events {
                #expect(event.category == "shard")
                #expect(event.fields.modelID == "tiny")
                #expect(event.fields.detailText == "too_few_holders")
                #expect(event.message.contains("is fetched: 1 of 2 nodes that should hold it do"))
                #expect(event.fields.holderCountBefore == 1)
            }
            // What is on its way is not asked for again, and nothing is told again.
            await keeper.turn()
            #expect(fixture.script.now.fetched.count == 2)
            #expect(fixture.told("auto_manage_fetch").count == 2)
        }
    }

    @Test func `what is not fetched is told once, and again when the reason is another`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            fixture.membership.set([try await fixture.peer(2, shards: [0, 1])])
            for _ in 0..<3 { await keeper.turn() }
            try await keeper.setPolicy(
                ModelPolicy(isEnabled: false, maximumShards: 0, allowsPruning: true), of: fixture.id)
            for _ in 0..<3 { await keeper.turn() }
            #expect(fixture.told("auto_manage_passed_over").map(\.fields.detailText) == ["untrusted", "policy_off"])
            #expect(
                fixture.told("auto_manage_passed_over").allSatisfy {
                    $0.message.contains("nothing of \(fixture.id) is fetched")
                }
            )
        }
    }

    @Test func `a fetch that fails is told once, and tried again at every turn`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            fixture.script.set { $0.fetchFailure = AcquisitionError(.diskFull, "no room") }
            fixture.membership.set([try await fixture.peer(2, shards: [1])])
            try await keeper.notePinned(fixture.id)
            for _ in 0..<3 { await keeper.turn() }
            #expect(fixture.told("auto_manage_fetch_failed").count == 1)
            #expect(fixture.told("auto_manage_fetch").isEmpty)
            fixture.script.set { $0.fetchFailure = nil }
            await keeper.turn()
            #expect(fixture.script.now.fetched == ["tiny:1"])
        }
    }

    @Test func `a node that cannot fetch tells of no fetch`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            var surroundings = fixture.script.surroundings()
            surroundings.fetch = nil
            let keeper = fixture.keeper(surroundings: surroundings)
            fixture.membership.set([try await fixture.peer(2, shards: [1])])
            try await keeper.notePinned(fixture.id)
            await keeper.turn()
            #expect(fixture.told("auto_manage_fetch").isEmpty)
        }
    }

    @Test func `three requests make a model trusted, and count as demand for an hour`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            fixture.membership.set([try await fixture.peer(2, shards: [0, 1])])
            for _ in 0..<3 { keeper.noteRequest("tiny") }
            keeper.noteRequest("nobody-has-this")
            await keeper.turn()
            #expect(await keeper.trust(of: fixture.id) == .demandVerified)
            #expect(fixture.script.now.fetched == ["tiny:1"])
            #expect(fixture.told("model_trust_changed").map(\.fields.detailText) == ["DemandVerified"])
            let demand = fixture.membership.ownRecord.demand
            #expect(demand == [fixture.id: 3])
            fixture.clock.advance(by: .seconds(3601))
            await keeper.turn()
            #expect(fixture.membership.ownRecord.demand.isEmpty)
            fixture.clock.advance(by: .seconds(8 * 86_400))
            #expect(await keeper.trust(of: fixture.id) == .discovered)
        }
    }

    @Test func `requests that peers tell of count once, and with three holders a model is popular`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            func demand(_ requests: Int) -> (inout NodeRecord) -> Void {
                { $0.demand = [fixture.id: requests] }
            }
            fixture.membership.set([try await fixture.peer(2, shards: [], demand(2))])
            for _ in 0..<5 { await keeper.turn() }
            #expect(await keeper.trust(of: fixture.id) == .discovered)
            fixture.membership.set([
                try await fixture.peer(2, shards: [0], demand(3)), try await fixture.peer(3, shards: [1]),
            ])
            await keeper.turn()
            #expect(await keeper.trust(of: fixture.id) == .networkPopular)
        }
    }

    @Test func `shards of another model of the same id do not count as held`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            try await keeper.notePinned(fixture.id)
            fixture.membership.set([
                try await fixture.peer(2, shards: [0, 1, 2]) { $0.models[0].manifestHash = BLAKE3.hash([9]) }
            ])
            await keeper.turn()
            #expect(fixture.script.now.fetched.isEmpty)
            #expect(fixture.told("auto_manage_passed_over").last?.fields.detailText == "no_source")
        }
    }

    @Test func `the header of a model that only peers have is fetched once it is trusted, and not if it was deleted`()
        async throws
    {
        try await withKeeperFixture(shards: []) { fixture in
            let keeper = fixture.keeper()
            fixture.membership.set([try await fixture.peer(2, shards: [0])])
            await keeper.turn()
            #expect(fixture.script.now.learned.isEmpty)
            for _ in 0..<3 { keeper.noteRequest("tiny") }
            await keeper.turn()
            #expect(fixture.script.now.learned == [fixture.id])
            try await keeper.noteDeleted(model: fixture.id)
            await keeper.turn()
            #expect(fixture.script.now.learned.count == 1)
        }
    }

    // MARK: - What was deleted by hand

    @Test func `what an operator deleted stays deleted, over a restart, until it is asked for`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            fixture.membership.set([try await fixture.peer(2, shards: [0, 1, 2])])
            try await keeper.notePinned(fixture.id)
            try await keeper.noteDeleted(shard: shard(1), of: fixture.id)
            await keeper.turn()
            #expect(fixture.script.now.fetched == ["tiny:2"])

            let again = try fixture.restarted()
            await again.turn()
            #expect(fixture.script.now.fetched == ["tiny:2"])
            try await again.noteWanted(fixture.id, shards: [shard(1)])
            await again.turn()
            #expect(fixture.script.now.fetched == ["tiny:2", "tiny:1"])
        }
    }

    @Test func `a model that an operator deleted as a whole stays deleted until it is added again`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            fixture.membership.set([try await fixture.peer(2, shards: [0, 1])])
            try await keeper.notePinned(fixture.id)
            try await keeper.setLocked(true, shard(0), of: fixture.id)
            try await keeper.noteDeleted(model: fixture.id)
            for _ in 0..<3 { keeper.noteRequest("tiny") }
            await keeper.turn()
            #expect(fixture.script.now.fetched.isEmpty)
            #expect(try await !keeper.isLocked(shard(0), of: fixture.id))
            #expect(await !keeper.isPinned(fixture.id))
            #expect(fixture.told("auto_manage_passed_over").last?.fields.detailText == "model_deleted")
            try await keeper.notePinned(fixture.id)
            await keeper.turn()
            #expect(fixture.script.now.fetched == ["tiny:1"])
        }
    }

    // MARK: - Where models are from

    @Test func `an origin is kept beside the files, and one that lies there is taken in`() async throws {
        try await withKeeperFixture { fixture in
            let keeper = fixture.keeper()
            let origin = ModelOrigin(repository: "owner/name", file: "tiny.gguf", revision: "main")
            try await keeper.setOrigin(origin, of: fixture.id)
            let folder = await keeper.folder(of: fixture.id)
            #expect(try OriginFile.read(in: folder) == origin)

            // Whoever removes the file of an origin that was set gets it back; another one by hand does not count.
            try FileManager.default.removeItem(atPath: folder + "/hf_source.json")
            await keeper.turn()
            #expect(try OriginFile.read(in: folder) == origin)

            let other = try fixture.restarted(emptyRecords: true)
            await other.turn()
            #expect(await other.origin(of: fixture.id) == origin)
            // The library goes on to read the folder as before.
            #expect(try await fixture.library.rescan().isEmpty)
            #expect(try await fixture.library.remove(id: fixture.id) == 3)
        }
    }

    @Test func `a peer's word for an origin counts only where no operator has said one, and only if it can be one`()
        async throws
    {
        try await withKeeperFixture { fixture in
            let keeper = fixture.keeper()
            func says(_ repository: String, _ file: String) async throws -> Peer {
                try await fixture.peer(2, shards: [0]) { record in
                    record.models[0].hubSource = HubSource(repository: repository, file: file)
                }
            }
            fixture.membership.set([try await says("../..", "tiny.gguf")])
            await keeper.turn()
            #expect(await keeper.origin(of: fixture.id) == nil)
            fixture.membership.set([try await says("peer/name", "tiny.gguf")])
            await keeper.turn()
            #expect(await keeper.origin(of: fixture.id)?.repository == "peer/name")
            #expect(fixture.script.now.published == 1)
            // What peers say is not written beside the files.
            #expect(try OriginFile.read(in: await keeper.folder(of: fixture.id)) == nil)

            try await keeper.setOrigin(ModelOrigin(repository: "own/name", file: "tiny.gguf"), of: fixture.id)
            fixture.membership.set([try await says("third/name", "tiny.gguf")])
            await keeper.turn()
            #expect(await keeper.origin(of: fixture.id)?.repository == "own/name")
        }
    }

    @Test func `what a killed process left of an origin is removed at the start`() async throws {
        try await withKeeperFixture { fixture in
            let keeper = fixture.keeper()
            let leftover = await keeper.folder(of: fixture.id) + "/hf_source.json.new"
            try Data("{".utf8).write(to: URL(fileURLWithPath: leftover))
            await keeper.removeLeftovers()
            #expect(!FileManager.default.fileExists(atPath: leftover))
        }
    }

    // MARK: - Running

    @Test func `turns come when they are due and when they are asked for, and the service ends when it is cancelled`()
        async throws
    {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            fixture.membership.set([try await fixture.peer(2, shards: [1])])
            let turns = fixture.events.events()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                var kinds = turns.makeAsyncIterator()
                // The first turn, after half a minute, passes the model over.
                await until { fixture.clock.sleeperCount == 2 }
                fixture.clock.advance(by: .seconds(29))
                #expect(fixture.events.history.filter { $0.kind == "auto_manage_passed_over" }.isEmpty)
                fixture.clock.advance(by: .seconds(1))
                while let event = await kinds.next(), event.kind != "auto_manage_passed_over" {}
                // A pin has the next one at once.
                try await keeper.notePinned(fixture.id)
                while let event = await kinds.next(), event.kind != "auto_manage_fetch" {}
                #expect(fixture.script.now.fetched == ["tiny:1"])
                group.cancelAll()
            }
        }
    }
}

extension KeeperFixture {
    /// The keeper of a process that starts anew.
    func restarted(emptyRecords: Bool = false) throws -> ShardKeeper {
        ShardKeeper(
            settings: KeeperSettings(limits: AutoManageSettings(maximumDiskBytes: 1 << 40), contribution: .maximum),
            library: library, membership: membership,
            records: try quietRecords(emptyRecords ? Store.inMemory() : Store(path: folder + "/db")),
            promises: ShardPromises(clock: clock.nodeClock), surroundings: script.surroundings(), events: events,
            clock: clock.nodeClock, timeZone: { .gmt }, logger: .quiet)
    }
}

/// Lets other tasks run until something is so.
func until(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
}
