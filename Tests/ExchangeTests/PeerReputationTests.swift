import Exchange
import Foundation
import Identifiers
import Link
import Logging
import ModelLibrary
import ShoalTestSupport
import Store
import Synchronization
import Testing

@Suite("What is known of nodes as suppliers")
struct PeerReputationTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    /// A calendar that goes when it is told to.
    private final class Calendar: Sendable {
        private let date = Mutex(PeerReputationTests.start)
        var now: Date { date.withLock { $0 } }
        func advance(hours: Double) { date.withLock { $0 = $0.addingTimeInterval(hours * 3600) } }
    }

    private func reputation(_ store: Store, _ calendar: Calendar) throws -> PeerReputation {
        try PeerReputation(
            store: store, now: { calendar.now }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func name(_ number: Int) throws -> ShardID { ShardID(model: try modelID("tiny"), index: try shard(number)) }

    @Test("who sent a wrong shard is not asked for it for a day, and for others is")
    func oneShard() async throws {
        let (calendar, peer) = (Calendar(), try node(1))
        let reputation = try reputation(Store.inMemory(), calendar)
        #expect(reputation.score(of: peer) == 1)
        await reputation.noteWrong(try name(0), from: peer)
        #expect(reputation.isQuarantined(peer, for: try name(0)))
        #expect(!reputation.isQuarantined(peer, for: try name(1)))
        #expect(!reputation.isQuarantined(try node(2), for: try name(0)))
        calendar.advance(hours: 23.9)
        #expect(reputation.isQuarantined(peer, for: try name(0)))
        calendar.advance(hours: 0.2)
        #expect(!reputation.isQuarantined(peer, for: try name(0)))
    }

    @Test("from three wrong shards on a node is asked for nothing, until a day has passed without another")
    func everything() async throws {
        let (calendar, peer) = (Calendar(), try node(1))
        let reputation = try reputation(Store.inMemory(), calendar)
        for number in 0..<3 {
            #expect(!reputation.isQuarantined(peer, for: try name(9)))
            await reputation.noteWrong(try name(number), from: peer)
            calendar.advance(hours: 30)
        }
        #expect(!reputation.isQuarantined(peer, for: try name(9)))
        #expect(reputation.score(of: peer) > 0)
        await reputation.noteWrong(try name(3), from: peer)
        #expect(reputation.isQuarantined(peer, for: try name(9)))
        #expect(reputation.score(of: peer) == 0)
        calendar.advance(hours: 24.1)
        #expect(!reputation.isQuarantined(peer, for: try name(9)))
    }

    @Test("the score is 1 for who was never wrong, falls with wrong shards, and rises with good bytes")
    func score() async throws {
        let (calendar, peer) = (Calendar(), try node(1))
        let reputation = try reputation(Store.inMemory(), calendar)
        await reputation.noteGood(1 << 20, from: peer)
        #expect(reputation.score(of: peer) == 1)
        var scores: [Double] = []
        for number in 0..<2 {
            await reputation.noteWrong(try name(number), from: peer)
            scores.append(reputation.score(of: peer))
        }
        #expect(scores[0] < 0.5 && scores[1] < scores[0] && scores[1] > 0)
        await reputation.noteGood(100 << 30, from: peer)
        #expect(reputation.score(of: peer) > 0.9 && reputation.score(of: peer) < 1)
        await reputation.noteGood(.max, from: peer)
        await reputation.noteGood(.max, from: peer)
        #expect(reputation.record(of: peer).goodBytes > 1 << 60)
        #expect(reputation.score(of: peer) <= 1)
    }

    @Test("all of it outlives a restart")
    func restart() async throws {
        let (calendar, peer) = (Calendar(), try node(1))
        let store = try Store.inMemory()
        let before = try reputation(store, calendar)
        await before.noteGood(12345, from: peer)
        await before.noteWrong(try name(1), from: peer)
        await before.noteWrong(try name(2), from: peer)
        let after = try reputation(store, calendar)
        #expect(after.record(of: peer) == before.record(of: peer))
        #expect(after.record(of: peer).goodBytes == 12345)
        #expect(after.record(of: peer).lastWrong == Self.start)
        #expect(after.isQuarantined(peer, for: try name(2)))
        #expect(after.score(of: peer) == before.score(of: peer))
    }

    @Test("what is noted by many at once all counts")
    func concurrent() async throws {
        let (calendar, peer) = (Calendar(), try node(1))
        let store = try Store.inMemory()
        let reputation = try reputation(store, calendar)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { await reputation.noteGood(10, from: peer) } }
        }
        #expect(reputation.record(of: peer).goodBytes == 1000)
        #expect(try self.reputation(store, calendar).record(of: peer).goodBytes == 1000)
    }
}
