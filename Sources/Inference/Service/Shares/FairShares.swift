import Generation

/// Who goes next where many want the same places: the caller who has the least of them, measured by weight.
///
/// A pure value: whoever keeps it tells it who comes, goes and gives up, and lets those go that it names.
///
/// Of the callers who wait, the one goes first whose places divided by weight are fewest; between equal ones the one that has been
/// served least since it began to wait (start-time fair queueing, Goyal, Vin and Cheng 1996), then the one that came first. Idle
/// places go to whoever wants them, but no caller gets all: what ``Limits/callerPlaces`` leaves is free for the next one, who does not
/// have to wait for a long piece of work to end. A caller with no place waits for at most one start of each other caller before
/// it, weighted, and so never for ever.
struct FairShares {
    /// How much there is.
    struct Limits: Hashable, Sendable {
        /// Places in all.
        var places: Int
        /// The most that one caller may have. What needs more than that is let in while its caller has none.
        var callerPlaces: Int
        /// Pieces of work of one caller that may wait, and of all.
        var callerWaiting: Int
        var waiting: Int
        /// What the waiting pieces may weigh on memory: those of one caller, times its weight through the standard one, and all.
        var callerLoad = Int.max
        var load = Int.max
    }

    /// Why a piece of work may not even wait.
    enum Refusal: Hashable, Sendable {
        /// Its caller has too much in the line.
        case callerWaits(Int)
        /// The line is too long.
        case allWait(Int)
    }

    typealias Ticket = UInt64

    private struct Waiter {
        let ticket: Ticket
        let places: Int
        let load: Int
    }

    private struct Caller {
        var weight: Int
        var places = 0
        var waiting: [Waiter] = []
        /// What was served, each piece divided by the weight at its time.
        var served: UInt64
    }

    /// One place, as it is counted in ``Caller/served``.
    private static let unit = 1 << 20

    let limits: Limits
    private(set) var placesTaken = 0
    private(set) var waitingCount = 0
    private var waitingLoad = 0
    private var callers: [String: Caller] = [:]
    /// Where those begin who were not there: at what was served of the one that went last.
    private var clock: UInt64 = 0
    private var lastTicket: Ticket = 0

    init(_ limits: Limits) { self.limits = limits }

    /// Takes a piece of work into the line. What may go, itself or another, comes from ``next()``.
    ///
    /// - Parameters:
    ///   - places: how many it needs; what is more than there are is taken for all.
    ///   - load: what it weighs while it waits.
    mutating func arrive(_ share: Share, places: Int = 1, load: Int = 0) -> Result<Ticket, RefusalError> {
        var caller = callers[share.caller] ?? Caller(weight: share.weight, served: clock)
        caller.weight = share.weight
        if caller.places == 0, caller.waiting.isEmpty { caller.served = max(caller.served, clock) }
        let waits = caller.waiting.count
        let callerLoad = caller.waiting.reduce(0) { $0 + $1.load }
        let mayLoad = limits.callerLoad == .max ? Int.max : limits.callerLoad / Share.standardWeight * share.weight
        // What may go at once does not wait.
        if !mayGo(Waiter(ticket: 0, places: clamped(places), load: load), caller) || waits > 0 {
            guard waits < limits.callerWaiting, waits == 0 || callerLoad + load <= mayLoad else {
                return .failure(RefusalError(.callerWaits(waits)))
            }
            guard waitingCount < limits.waiting, waitingCount == 0 || waitingLoad + load <= limits.load else {
                return .failure(RefusalError(.allWait(waitingCount)))
            }
        }
        lastTicket += 1
        caller.waiting.append(Waiter(ticket: lastTicket, places: clamped(places), load: load))
        waitingCount += 1
        waitingLoad += load
        callers[share.caller] = caller
        return .success(lastTicket)
    }

    /// Gives the next one that may go its places; nil where nobody may.
    mutating func next() -> Ticket? {
        var best: (name: String, caller: Caller, waiter: Waiter)?
        for (name, caller) in callers {
            guard let waiter = caller.waiting.first, mayHave(waiter, caller) else { continue }
            if let chosen = best, !Self.precedes((caller, waiter), (chosen.caller, chosen.waiter)) { continue }
            best = (name, caller, waiter)
        }
        // Nobody overtakes the one whose turn it is, small as the next one may be: else what is large would never go.
        guard let (name, chosen, waiter) = best, placesTaken + waiter.places <= limits.places else { return nil }
        var caller = chosen
        caller.waiting.removeFirst()
        caller.places += waiter.places
        clock = max(clock, caller.served)
        caller.served += UInt64(Self.unit * waiter.places / caller.weight)
        callers[name] = caller
        placesTaken += waiter.places
        waitingCount -= 1
        waitingLoad -= waiter.load
        return waiter.ticket
    }

    /// Takes places back from a caller whose work has ended.
    mutating func leave(_ name: String, places: Int = 1) {
        guard var caller = callers[name] else { return }
        let places = min(clamped(places), caller.places)
        caller.places -= places
        placesTaken -= places
        keep(caller, name)
    }

    /// Takes a piece of work out of the line; false where it is not in it.
    mutating func withdraw(_ ticket: Ticket, of name: String) -> Bool {
        guard var caller = callers[name], let index = caller.waiting.firstIndex(where: { $0.ticket == ticket }) else {
            return false
        }
        waitingLoad -= caller.waiting.remove(at: index).load
        waitingCount -= 1
        keep(caller, name)
        return true
    }

    /// Places that a caller has.
    func places(of name: String) -> Int { callers[name]?.places ?? 0 }

    private mutating func keep(_ caller: Caller, _ name: String) {
        // Whoever comes back begins where all are, which is at most one piece behind where they were.
        callers[name] = caller.places == 0 && caller.waiting.isEmpty ? nil : caller
    }

    private func clamped(_ places: Int) -> Int { min(max(1, places), limits.places) }

    private func mayHave(_ waiter: Waiter, _ caller: Caller) -> Bool {
        caller.places == 0 || caller.places + waiter.places <= limits.callerPlaces
    }

    private func mayGo(_ waiter: Waiter, _ caller: Caller) -> Bool {
        mayHave(waiter, caller) && placesTaken + waiter.places <= limits.places && waitingCount == 0
    }

    private static func precedes(_ one: (caller: Caller, waiter: Waiter), _ other: (caller: Caller, waiter: Waiter))
        -> Bool
    {
        let (mine, theirs) = (one.caller.places * other.caller.weight, other.caller.places * one.caller.weight)
        if mine != theirs { return mine < theirs }
        if one.caller.served != other.caller.served { return one.caller.served < other.caller.served }
        return one.waiter.ticket < other.waiter.ticket
    }
}

extension FairShares {
    /// A ``Refusal``, to be thrown.
    struct RefusalError: Error, Hashable {
        let refusal: Refusal

        init(_ refusal: Refusal) { self.refusal = refusal }
    }
}
