import Testing

@testable import Engine

@Suite("Who gives way where cells are short")
struct CellSharesTests {
    private static let begin = ContinuousClock.now

    /// Sessions in the order in which they were opened, each of a caller and with so many cells.
    private static func shares(_ capacity: Int, _ sessions: [(caller: UInt64, cells: Int)]) -> CellShares {
        CellShares(
            capacity: capacity,
            holdings: sessions.enumerated().map { index, session in
                CellShares.Holding(
                    session: id(index), caller: session.caller, openedAt: begin + .seconds(index), cells: session.cells)
            })
    }

    private static func id(_ index: Int) -> SessionID { SessionID([UInt8](repeating: UInt8(index), count: 16))! }

    @Test("A session begins where there is room for it and for what the others will need soon")
    func room() {
        #expect(Self.shares(100, []).sessionsToEnd(for: 1, needing: 1000) == [])
        #expect(Self.shares(1000, [(1, 400)]).sessionsToEnd(for: 1, needing: 500) == [])
        #expect(Self.shares(1000, [(1, 400)]).sessionsToEnd(for: 1, needing: 600) == nil)
        #expect(Self.shares(1000, [(1, 400)]).sessionsToEnd(for: 1, needing: 540) == nil)
    }

    @Test("Who holds more than the newcomer would gives up its youngest sessions, as many as it takes")
    func fairness() {
        let greedy = Self.shares(1000, [(1, 300), (1, 300), (1, 300)])
        #expect(greedy.sessionsToEnd(for: 2, needing: 30) == [])
        #expect(greedy.sessionsToEnd(for: 2, needing: 100) == [Self.id(2)])
        #expect(greedy.sessionsToEnd(for: 2, needing: 320) == [Self.id(2)])
        #expect(greedy.sessionsToEnd(for: 1, needing: 30) == nil)
        let mixed = Self.shares(1000, [(1, 100), (2, 300), (1, 100), (2, 300), (1, 100)])
        #expect(mixed.sessionsToEnd(for: 3, needing: 200) == [Self.id(3)])
        // The caller of the most cells would hold less than who comes: it keeps them.
        #expect(Self.shares(1000, [(1, 450), (2, 450)]).sessionsToEnd(for: 3, needing: 460) == nil)
        #expect(Self.shares(1000, [(1, 450), (2, 450)]).sessionsToEnd(for: 1, needing: 20) == nil)
    }

    @Test("Where a computation finds no cells, the heaviest caller's youngest session gives way")
    func full() {
        #expect(Self.shares(1000, []).nextToEnd == nil)
        #expect(Self.shares(1000, [(1, 500), (2, 400), (1, 10), (2, 5)]).nextToEnd == Self.id(2))
        #expect(Self.shares(1000, [(1, 500), (1, 400)]).nextToEnd == Self.id(1))
        #expect(Self.shares(1000, [(1, 500), (2, 500)]).nextToEnd == Self.id(1))
    }

    @Test(
        "No newcomer ends anything but what leaves its caller with less than others had",
        arguments: 0..<200 as Range<UInt64>)
    func invariants(seed: UInt64) throws {
        var random = Numbers(state: seed)
        let sessions = (0..<Int(random.next() % 24)).map { _ in
            (caller: random.next() % 4, cells: Int(random.next() % 900))
        }
        let shares = Self.shares(4096, sessions)
        let caller = random.next() % 5
        let cells = Int(random.next() % 2000)
        guard let ended = shares.sessionsToEnd(for: caller, needing: cells) else { return }
        let own = sessions.filter { $0.caller == caller }.reduce(cells) { $0 + $1.cells }
        let left = shares.holdings.filter { !ended.contains($0.session) }
        #expect(left.isEmpty || left.reduce(cells) { $0 + $1.cells } <= 4096)
        for holding in shares.holdings where ended.contains(holding.session) {
            #expect(holding.caller != caller)
            let had = sessions.filter { $0.caller == holding.caller }.reduce(0) { $0 + $1.cells }
            #expect(had > own)
            // Nothing older went while something younger of the same caller stayed.
            #expect(!left.contains { $0.caller == holding.caller && $0.openedAt > holding.openedAt })
        }
    }

    /// SplitMix64.
    private struct Numbers {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }
}
