import Exchange
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
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
}
