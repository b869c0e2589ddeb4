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
        "Whatever three sessions of three callers hold, a newcomer ends only what leaves its caller with less than others had"
    )
    func invariants() {
        let sizes = [0, 250, 600]
        let kinds = (1...3).flatMap { caller in sizes.map { (caller: UInt64(caller), cells: $0) } }
        for first in kinds {
            for second in kinds {
                for third in kinds {
                    let sessions = [first, second, third]
                    for caller in 1...4 as ClosedRange<UInt64> {
                        for cells in [20, 300, 900, 2000] { Self.check(sessions, caller: caller, cells: cells) }
                    }
                }
            }
        }
    }

    private static func check(_ sessions: [(caller: UInt64, cells: Int)], caller: UInt64, cells: Int) {
        let shares = shares(1000, sessions)
        guard let ended = shares.sessionsToEnd(for: caller, needing: cells) else { return }
        let wanted = sessions.filter { $0.caller == caller }.reduce(cells) { $0 + $1.cells }
        let left = shares.holdings.filter { !ended.contains($0.session) }
        let hasRoom = left.isEmpty || left.reduce(cells) { $0 + $1.cells } <= 1000
        let isFair = shares.holdings.filter { ended.contains($0.session) }.allSatisfy { holding in
            let had = sessions.filter { $0.caller == holding.caller }.reduce(0) { $0 + $1.cells }
            // Nothing older went while something younger of the same caller stayed.
            let isYoungest = !left.contains { $0.caller == holding.caller && $0.openedAt > holding.openedAt }
            return holding.caller != caller && had > wanted && isYoungest
        }
        #expect(hasRoom && isFair, "\(sessions), \(cells) for \(caller): \(ended)")
    }
}
