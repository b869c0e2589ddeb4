import Foundation
import Identifiers
import Link
import ShoalTestSupport
import Testing

@testable import Swarm

@Suite("The table of peers")
struct PeerTableTests {
    let identities: [NodeIdentity]
    let date = Date(timeIntervalSince1970: 1_800_000_000)
    let address = LinkAddress("10.0.0.1:8801")!
    var random = SeededRandom(seed: 1)

    /// Sorted by id, so that tests know who is the smaller.
    init() {
        identities = (0..<3).map { _ in NodeIdentity() }.sorted { $0.id < $1.id }
    }

    private func record(_ index: Int, sequence: UInt64, addresses: [String] = ["10.0.0.9:1"]) throws -> SignedNodeRecord
    {
        var record = NodeRecord()
        record.sequence = sequence
        record.issued = date
        record.addresses = addresses.compactMap { LinkAddress($0) }
        return try SignedNodeRecord(record, identity: identities[index], now: date)
    }

    private func session(_ opening: PeerTable.Opening) throws -> PeerTable.SessionID {
        guard case .open(let id, _) = opening else {
            throw SwarmError(.unknownPeer, "no stream was opened: \(opening)")
        }
        return id
    }

    @Test("The node with the smaller id calls at once, the other waits a moment")
    func courtesy() {
        var small = PeerTable(me: identities[0].id)
        small.remember(identities[1].id, addresses: [address], at: .seconds(5))
        #expect(small.dialsDue(at: .seconds(5)).map(\.id) == [identities[1].id])
        var large = PeerTable(me: identities[1].id)
        large.remember(identities[0].id, addresses: [address], at: .seconds(5))
        #expect(large.dialsDue(at: .seconds(5)).isEmpty)
        #expect(large.dialsDue(at: .seconds(6)).map(\.id) == [identities[0].id])
    }

    @Test("A call that runs is not made twice, and nobody is called without an address")
    func oneCall() {
        var table = PeerTable(me: identities[0].id)
        table.remember(identities[1].id, addresses: [address], at: .zero)
        table.remember(identities[2].id, addresses: [], at: .zero)
        #expect(table.dialsDue(at: .zero).count == 1)
        #expect(table.dialsDue(at: .seconds(100)).isEmpty)
    }

    @Test("Failed calls are repeated ever more rarely, up to a minute and a quarter")
    mutating func backOff() {
        var table = PeerTable(me: identities[0].id)
        table.remember(identities[1].id, addresses: [address], at: .zero)
        var now = Duration.zero
        var waits: [Duration] = []
        for _ in 0..<12 {
            #expect(table.dialsDue(at: now).count == 1)
            table.dialFailed(identities[1].id, at: now, using: &random)
            let next = table.nextDial ?? .zero
            waits.append(next - now)
            #expect(table.dialsDue(at: next - .milliseconds(1)).isEmpty)
            now = next
        }
        for (index, wait) in waits.enumerated() {
            let base = min(Duration.seconds(1) * (1 << index), .seconds(60))
            #expect(wait >= base * 0.75 && wait <= base * 1.25)
        }
        #expect(Set(waits.suffix(5)).count == 5, "the waits are jittered")
    }

    @Test("Of two streams opened at once, both sides keep the one that the smaller id opened")
    func dedupe() throws {
        var small = PeerTable(me: identities[0].id)
        var large = PeerTable(me: identities[1].id)
        let dialled = try session(small.opened(identities[1].id, .dialled, host: nil, at: .zero, date: date))
        #expect(small.opened(identities[1].id, .accepted, host: nil, at: .zero, date: date) == .duplicate)
        #expect(small.session(with: identities[1].id) == dialled)

        let own = try session(large.opened(identities[0].id, .dialled, host: nil, at: .zero, date: date))
        let opening = large.opened(identities[0].id, .accepted, host: nil, at: .zero, date: date)
        guard case .open(let accepted, let replaced) = opening else {
            Issue.record("the stream of the smaller id was refused: \(opening)")
            return
        }
        #expect(replaced == own)
        #expect(large.session(with: identities[0].id) == accepted)
    }

    @Test(
        "A silent stream gives way to a new one, whoever opened it",
        arguments: [PeerTable.Direction.dialled, .accepted])
    func staleStream(direction: PeerTable.Direction) throws {
        var table = PeerTable(me: identities[0].id)
        let old = try session(table.opened(identities[1].id, .dialled, host: nil, at: .zero, date: date))
        let opening = table.opened(identities[1].id, direction, host: nil, at: .seconds(3), date: date)
        guard case .open(_, let replaced) = opening else {
            Issue.record("the new stream was refused")
            return
        }
        #expect(replaced == old)
    }

    @Test("The end of a replaced stream does not disturb the new one")
    mutating func replacedEnds() throws {
        var table = PeerTable(me: identities[0].id)
        let old = try session(table.opened(identities[1].id, .accepted, host: nil, at: .zero, date: date))
        let new = try session(table.opened(identities[1].id, .dialled, host: nil, at: .zero, date: date))
        let stood = table.closed(identities[1].id, old, .lost, at: .seconds(1), date: date, using: &random)
        #expect(!stood)
        #expect(table.session(with: identities[1].id) == new)
    }

    @Test("A node does not attend itself")
    func itself() {
        var table = PeerTable(me: identities[0].id)
        #expect(table.opened(identities[0].id, .accepted, host: nil, at: .zero, date: date) == .itself)
        table.remember(identities[0].id, addresses: [address], at: .zero)
        #expect(table.count == 0)
    }

    @Test("A silent peer stops being healthy after three seconds and loses its stream after six")
    func silence() throws {
        var table = PeerTable(me: identities[0].id)
        let id = identities[1].id
        let stream = try session(table.opened(id, .dialled, host: nil, at: .zero, date: date))
        #expect(table.peer(id, at: .zero)?.healthy == false, "it has not introduced itself")
        #expect(table.received(try record(1, sequence: 1), at: .zero) == .new)
        #expect(table.introduce(id, stream) == true)
        #expect(table.introduce(id, stream) == false)
        #expect(table.peer(id, at: .seconds(3))?.healthy == true)
        #expect(table.newlySilent(at: .seconds(3)).isEmpty)
        #expect(table.peer(id, at: .milliseconds(3001))?.healthy == false)
        #expect(table.newlySilent(at: .milliseconds(3001)) == [id])
        #expect(table.newlySilent(at: .milliseconds(3100)).isEmpty, "it is told once")
        #expect(table.silentSessions(at: .milliseconds(5999)).isEmpty)
        #expect(table.silentSessions(at: .seconds(6)) == [stream])
        #expect(table.heard(id, stream, at: .seconds(6), date: date) == true, "it is heard of again")
        #expect(table.peer(id, at: .seconds(6))?.healthy == true)
        #expect(table.silentSessions(at: .seconds(7)).isEmpty)
    }

    @Test("Round trips come from echoes of one's own pings alone")
    func roundTrips() throws {
        var table = PeerTable(me: identities[0].id)
        let id = identities[1].id
        let stream = try session(table.opened(id, .dialled, host: nil, at: .zero, date: date))
        let firstPing = table.ping(id, stream, at: .seconds(1))
        let first = try #require(firstPing)
        table.echoed(id, stream, nonce: first &+ 99, at: .seconds(1))
        #expect(table.peer(id, at: .seconds(1))?.roundTrip == nil)
        table.echoed(id, stream, nonce: first, at: .milliseconds(1010))
        #expect(table.peer(id, at: .seconds(2))?.roundTrip == .milliseconds(10))
        table.echoed(id, stream, nonce: first, at: .milliseconds(1500))
        #expect(table.peer(id, at: .seconds(2))?.roundTrip == .milliseconds(10), "an echo counts once")
        let secondPing = table.ping(id, stream, at: .seconds(2))
        let second = try #require(secondPing)
        table.echoed(id, stream, nonce: second, at: .milliseconds(2018))
        #expect(table.peer(id, at: .seconds(2))?.roundTrip == .milliseconds(11), "a new sample weighs an eighth")
        #expect(table.peer(id, at: .seconds(2))?.minimumRoundTrip == .milliseconds(10))
    }

    @Test("Pings without echo take bounded room")
    func pingRoom() throws {
        var table = PeerTable(me: identities[0].id)
        let stream = try session(table.opened(identities[1].id, .dialled, host: nil, at: .zero, date: date))
        for second in 0..<1000 { _ = table.ping(identities[1].id, stream, at: .seconds(second)) }
        #expect(table.entries[identities[1].id]?.session?.pings.count == 10)
    }

    @Test("Only a newer record replaces a known one")
    func sequences() throws {
        var table = PeerTable(me: identities[0].id)
        #expect(table.received(try record(1, sequence: 5), at: .zero) == .new)
        #expect(table.received(try record(1, sequence: 5), at: .zero) == .stale)
        #expect(table.received(try record(1, sequence: 4), at: .zero) == .stale)
        #expect(table.received(try record(1, sequence: 6), at: .zero) == .updated)
        #expect(table.received(try record(0, sequence: 9), at: .zero) == .mine(sequence: 9))
        #expect(table.count == 1)
    }

    @Test("A record with a new address makes the node be called there at once")
    mutating func movedNode() throws {
        var table = PeerTable(me: identities[0].id)
        _ = table.received(try record(1, sequence: 1), at: .zero)
        for _ in 0..<8 {
            _ = table.dialsDue(at: .seconds(1000))
            table.dialFailed(identities[1].id, at: .seconds(1000), using: &random)
        }
        #expect(table.dialsDue(at: .seconds(1010)).isEmpty)
        _ = table.received(try record(1, sequence: 2, addresses: ["10.0.0.7:9"]), at: .seconds(1010))
        #expect(table.dialsDue(at: .seconds(1010)).map(\.addresses) == [[try #require(LinkAddress("10.0.0.7:9"))]])
    }

    @Test("A full table takes a node that calls instead of the one not seen for longest, and no hearsay")
    func fullTable() throws {
        var limits = PeerTable.Limits()
        limits.peers = 2
        var table = PeerTable(me: identities[0].id, limits: limits)
        let others = (0..<2).map { _ in NodeIdentity().id }
        table.remember(others[0], addresses: [address], lastSeen: date, at: .zero)
        table.remember(others[1], addresses: [address], lastSeen: date.addingTimeInterval(-100), at: .zero)
        #expect(table.received(try record(1, sequence: 1), at: .zero) == .full)
        _ = try session(table.opened(identities[1].id, .accepted, host: nil, at: .zero, date: date))
        #expect(table.peers(at: .zero).map(\.id).contains(others[0]))
        #expect(!table.peers(at: .zero).map(\.id).contains(others[1]))
        _ = try session(table.opened(others[0], .accepted, host: nil, at: .zero, date: date))
        #expect(table.opened(identities[2].id, .accepted, host: nil, at: .zero, date: date) == .full)
        #expect(table.count == 2)
    }

    @Test(
        "How a stream ended decides when the peer is called again",
        arguments: [
            (PeerTable.Ending.lost, 20, 0.0, 0.2), (.lost, 1, 0.75, 1.25), (.left, 20, 22.5, 37.5),
            (.violation, 20, 300, 300),
        ])
    mutating func nextCall(ending: PeerTable.Ending, lasted: Int, earliest: Double, latest: Double) throws {
        var table = PeerTable(me: identities[0].id)
        table.remember(identities[1].id, addresses: [address], at: .zero)
        let stream = try session(table.opened(identities[1].id, .dialled, host: nil, at: .zero, date: date))
        let stood = table.closed(identities[1].id, stream, ending, at: .seconds(lasted), date: date, using: &random)
        #expect(stood)
        let wait = try #require(table.nextDial) - .seconds(lasted)
        #expect(wait >= .seconds(earliest) && wait <= .seconds(latest))
    }

    @Test("Learned addresses are few, and the latest come first")
    func learned() {
        var table = PeerTable(me: identities[0].id)
        for port in 1...20 {
            table.remember(identities[1].id, addresses: [LinkAddress("10.0.0.1:\(port)")].compactMap { $0 }, at: .zero)
        }
        let ports = table.peer(identities[1].id, at: .zero)?.addresses.map(\.port)
        #expect(ports == Array((13...20).reversed()))
        table.remember(identities[1].id, addresses: [LinkAddress("0.0.0.0:5")!, LinkAddress("10.0.0.1:0")!], at: .zero)
        #expect(table.peer(identities[1].id, at: .zero)?.addresses.map(\.port) == ports)
    }

    @Test("Any order of events leaves the table within its limits", arguments: 0..<20)
    func anything(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var limits = PeerTable.Limits()
        limits.peers = 6
        limits.dials = 2
        var table = PeerTable(me: identities[0].id, limits: limits)
        let others = (0..<10).map { _ in NodeIdentity() }
        var streams: [(NodeID, PeerTable.SessionID)] = []
        var now = Duration.zero
        for step in 0..<2000 {
            now += .milliseconds(Int.random(in: 0...800, using: &random))
            let other = others.randomElement(using: &random) ?? others[0]
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                table.remember(
                    other.id, addresses: [address], lastSeen: Bool.random(using: &random) ? date : nil, at: now)
            case 1:
                let direction: PeerTable.Direction = Bool.random(using: &random) ? .dialled : .accepted
                if case .open(let id, _) = table.opened(other.id, direction, host: "10.0.0.2", at: now, date: date) {
                    streams.append((other.id, id))
                }
            case 2:
                if let (peer, stream) = streams.randomElement(using: &random) {
                    let ending: PeerTable.Ending =
                        [.lost, .left, .violation, .replaced].randomElement(using: &random) ?? .lost
                    _ = table.closed(peer, stream, ending, at: now, date: date, using: &random)
                }
            case 3:
                for dial in table.dialsDue(at: now) where Bool.random(using: &random) {
                    table.dialFailed(dial.id, at: now, using: &random)
                }
            case 4:
                if let (peer, stream) = streams.randomElement(using: &random) { _ = table.ping(peer, stream, at: now) }
            case 5:
                if let (peer, stream) = streams.randomElement(using: &random) {
                    table.heard(peer, stream, at: now, date: date)
                }
            case 6:
                var record = NodeRecord()
                record.sequence = UInt64(step + 1)
                record.addresses = [try #require(LinkAddress(host: "10.0.0.3", port: step % 100 + 1))]
                _ = table.received(try SignedNodeRecord(record, identity: other, now: date), at: now)
            default: _ = table.newlySilent(at: now)
            }
            #expect(table.count <= 6)
            #expect(table.entries.values.count { $0.isDialling } <= 2)
            #expect(table.peers(at: now).allSatisfy { !$0.healthy || $0.isConnected })
        }
    }
}
