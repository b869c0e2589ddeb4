/// Who gives way where a window has fewer cells than its sessions want.
///
/// Cells are shared by caller: whoever holds most gives up its youngest session first. A pure value, made anew for each question.
struct CellShares {
    /// What a running session holds.
    struct Holding: Equatable {
        let session: SessionID
        let caller: UInt64
        let openedAt: ContinuousClock.Instant
        /// Cells that it has filled, and those that the rest of its prompt will fill.
        let cells: Int
    }

    /// Cells that stay free for each session, so that one that is let in is not soon sent away again; who gets cells of others needs
    /// them for itself alone.
    private static let headroom = 32

    let capacity: Int
    let holdings: [Holding]

    /// What has to end so that a session may begin.
    ///
    /// - Parameter cells: What its prompt will fill.
    /// - Returns: Nothing where there is room. Nil where the session has to wait: its caller would hold as much as who would have to
    ///   give way, or more.
    func sessionsToEnd(for caller: UInt64, needing cells: Int) -> [SessionID]? {
        var left = holdings
        let wanted = cells + left.filter { $0.caller == caller }.reduce(0) { $0 + $1.cells }
        var ended: [SessionID] = []
        while let heaviest = Self.heaviest(left) {
            let mayTake = heaviest.caller != caller && heaviest.cells > wanted
            let spare = Self.headroom * (mayTake ? 1 : left.count + 1)
            if left.reduce(cells + spare, { $0 + $1.cells }) <= capacity { break }
            guard mayTake else { return nil }
            ended.append(left.remove(at: heaviest.youngest).session)
        }
        return ended
    }

    /// Who gives way when a computation finds no free cells; nil where nobody runs.
    var nextToEnd: SessionID? {
        Self.heaviest(holdings).map { holdings[$0.youngest].session }
    }

    /// The caller that holds most, how much that is, and where its youngest session stands. Of callers that hold the same it is the one
    /// that came last.
    private static func heaviest(_ holdings: [Holding]) -> (caller: UInt64, cells: Int, youngest: Int)? {
        var callers: [UInt64: (cells: Int, youngest: Int)] = [:]
        for (index, holding) in holdings.enumerated() {
            let known = callers[holding.caller, default: (0, index)]
            let isYounger = holding.openedAt > holdings[known.youngest].openedAt
            callers[holding.caller] = (known.cells + holding.cells, isYounger ? index : known.youngest)
        }
        return callers.max {
            ($0.value.cells, holdings[$0.value.youngest].openedAt) < (
                $1.value.cells, holdings[$1.value.youngest].openedAt
            )
        }.map { ($0.key, $0.value.cells, $0.value.youngest) }
    }
}
