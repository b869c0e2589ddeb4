import Acquisition
import Link
import ModelLibrary
import Testing

@Suite("Who is sent what")
struct SendingLedgerTests {
    private func name(_ number: Int) throws -> ShardID { ShardID(model: try modelID("tiny"), index: try shard(number)) }

    private var limits: SendingLedger.Limits {
        var limits = SendingLedger.Limits()
        limits.sendings = 3
        limits.sendingsPerPeer = 2
        return limits
    }

    @Test("limits hold for each peer and for all, and what ended makes room")
    func limited() throws {
        var ledger = SendingLedger(limits: limits)
        try ledger.began(name(0), to: node(1))
        try ledger.began(name(0), to: node(1))
        #expect(throws: SendingLedger.Refusal.busyWithPeer(sendings: 2)) { try ledger.began(name(1), to: node(1)) }
        try ledger.began(name(1), to: node(2))
        #expect(throws: SendingLedger.Refusal.busy(sendings: 3)) { try ledger.began(name(1), to: node(3)) }
        #expect(ledger.inUse == [try name(0), try name(1)])
        ledger.ended(try name(0), to: try node(1))
        #expect(ledger.inUse == [try name(0), try name(1)])
        try ledger.began(name(1), to: node(3))
        ledger.ended(try name(0), to: try node(1))
        #expect(ledger.inUse == [try name(1)])
        // What never began changes nothing.
        ledger.ended(try name(0), to: try node(1))
        ledger.ended(try name(5), to: try node(9))
        try ledger.began(name(2), to: node(1))
        #expect(throws: SendingLedger.Refusal.busy(sendings: 3)) { try ledger.began(name(2), to: node(1)) }
    }

    @Test("a promise keeps the copy for ten minutes, anew with each")
    func promises() throws {
        var ledger = SendingLedger()
        #expect(ledger.promise(try name(0), at: .seconds(0)))
        #expect(!ledger.goAway(try name(0), at: .seconds(599)))
        #expect(ledger.promise(try name(0), at: .seconds(300)))
        #expect(!ledger.goAway(try name(0), at: .seconds(601)))
        #expect(ledger.promises(at: .seconds(899)) == [try name(0)])
        #expect(ledger.promises(at: .seconds(900)).isEmpty)
        #expect(ledger.goAway(try name(0), at: .seconds(900)))
    }

    @Test("what is going away is promised and sent to nobody, until it stays")
    func goingAway() throws {
        var ledger = SendingLedger()
        #expect(ledger.goAway(try name(0), at: .zero))
        #expect(!ledger.goAway(try name(0), at: .zero))
        #expect(!ledger.promise(try name(0), at: .zero))
        #expect(throws: SendingLedger.Refusal.goingAway) { try ledger.began(name(0), to: node(1)) }
        #expect(ledger.promise(try name(1), at: .zero))
        ledger.stay(try name(0))
        try ledger.began(name(0), to: node(1))
        #expect(!ledger.goAway(try name(0), at: .zero))
    }

    @Test("of two nodes that count on each other at most one goes", arguments: 1...50)
    func atMostOne(seed: UInt64) throws {
        // Each marks its own copy, asks the other, and goes if the other promised; in any order of these steps.
        var random = SeededRandom(seed: seed)
        var ledgers = [SendingLedger(), SendingLedger()]
        var step = [0, 0]
        var goes = [false, false]
        let shard = try name(0)
        while step != [2, 2] {
            let one = step[0] == 2 ? 1 : step[1] == 2 ? 0 : Int.random(in: 0...1, using: &random)
            if step[one] == 0 {
                step[one] = ledgers[one].goAway(shard, at: .zero) ? 1 : 2
            } else {
                goes[one] = ledgers[1 - one].promise(shard, at: .zero)
                step[one] = 2
                if !goes[one] { ledgers[one].stay(shard) }
            }
        }
        #expect(goes != [true, true], "seed \(seed)")
    }
}
