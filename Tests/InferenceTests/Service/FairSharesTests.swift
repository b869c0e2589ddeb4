import Generation
import ShoalTestSupport
import Testing

@testable import Inference

struct FairSharesTests {
    private static let limits = FairShares.Limits(places: 32, callerPlaces: 24, callerWaiting: 128, waiting: 1024)

    /// Lets go who may; the callers in order.
    private static func admit(_ shares: inout FairShares, _ callers: inout [FairShares.Ticket: String]) -> [String] {
        var names: [String] = []
        while let ticket = shares.next() { names.append(callers.removeValue(forKey: ticket) ?? "?") }
        return names
    }

    @Test func `a caller gets no more than its part of idle places, and the next one goes at once`() throws {
        var shares = FairShares(Self.limits)
        var callers: [FairShares.Ticket: String] = [:]
        for _ in 0..<128 { callers[try shares.arrive(Share(caller: "a")).get()] = "a" }
        let first = Self.admit(&shares, &callers)
        #expect(first == [String](repeating: "a", count: 24))
        for _ in 0..<8 {
            callers[try shares.arrive(Share(caller: "b")).get()] = "b"
            let begun = Self.admit(&shares, &callers)
            #expect(begun == ["b"])
        }
        // Now all are taken: who has the fewest gets the next one, whoever gave it back.
        callers[try shares.arrive(Share(caller: "b")).get()] = "b"
        callers[try shares.arrive(Share(caller: "c")).get()] = "c"
        let next0 = Self.admit(&shares, &callers)
        #expect(next0 == [])
        shares.leave("a")
        let next1 = Self.admit(&shares, &callers)
        #expect(next1 == ["c"])
        shares.leave("a")
        let next2 = Self.admit(&shares, &callers)
        #expect(next2 == ["b"])
    }

    @Test(
        "places are shared by weight where all want more",
        arguments: [(10, 10, 16, 16), (20, 10, 20, 10), (30, 10, 24, 8), (1000, 1, 24, 8)])
    func weights(one: Int, other: Int, expected: Int, theirs: Int) throws {
        var shares = FairShares(Self.limits)
        for name in ["a", "b"] {
            for _ in 0..<128 { _ = try shares.arrive(Share(caller: name, weight: name == "a" ? one : other)).get() }
        }
        while shares.next() != nil {}
        // What one may not have, the other one gets.
        #expect(shares.places(of: "a") >= expected && shares.places(of: "a") <= 24)
        #expect(shares.places(of: "b") >= theirs)
        #expect(shares.placesTaken == 32)
    }

    @Test("one place is had in turn, by weight", arguments: [1, 2, 3, 7])
    func turns(ratio: Int) throws {
        var shares = FairShares(.init(places: 1, callerPlaces: 1, callerWaiting: 1000, waiting: 1000))
        var callers: [FairShares.Ticket: String] = [:]
        for (name, weight) in [("a", 10 * ratio), ("b", 10)] {
            for _ in 0..<200 { callers[try shares.arrive(Share(caller: name, weight: weight)).get()] = name }
        }
        var counts: [String: Int] = [:]
        for _ in 0..<(ratio + 1) * 20 {
            for name in Self.admit(&shares, &callers) {
                counts[name, default: 0] += 1
                shares.leave(name)
                break
            }
            // Each one ends before the next begins.
            if shares.placesTaken > 0 {
                for name in ["a", "b"] where shares.places(of: name) > 0 { shares.leave(name) }
            }
        }
        let (a, b) = (counts["a"] ?? 0, counts["b"] ?? 0)
        #expect(abs(a - ratio * b) <= ratio + 1, "\(a) of a, \(b) of b")
    }

    @Test func `what is large gets its turn although small ones keep coming`() throws {
        var shares = FairShares(.init(places: 64, callerPlaces: 16, callerWaiting: 100, waiting: 100))
        _ = try shares.arrive(Share(caller: "a"), places: 10).get()
        let step1 = shares.next()
        #expect(step1 != nil)
        let large = try shares.arrive(Share(caller: "b"), places: 60).get()
        let step2 = shares.next()
        #expect(step2 == nil)
        _ = try shares.arrive(Share(caller: "a"), places: 1).get()
        let step3 = shares.next()
        #expect(step3 == nil)
        shares.leave("a", places: 10)
        let step4 = shares.next()
        #expect(step4 == large)
    }

    @Test func `who asks for more than a caller may have gets it while they have nothing, and more than all are all`()
        throws
    {
        var shares = FairShares(.init(places: 64, callerPlaces: 16, callerWaiting: 100, waiting: 100))
        let first = try shares.arrive(Share(caller: "a"), places: 1000).get()
        let step5 = shares.next()
        #expect(step5 == first)
        #expect(shares.placesTaken == 64)
        shares.leave("a", places: 1000)
        #expect(shares.placesTaken == 0)
        _ = try shares.arrive(Share(caller: "a"), places: 32).get()
        _ = try shares.arrive(Share(caller: "a"), places: 1).get()
        let step6 = shares.next()
        #expect(step6 != nil)
        let step7 = shares.next()
        #expect(step7 == nil)
    }

    @Test func `lines have ends, by number and by what waits in them`() throws {
        var shares = FairShares(
            .init(places: 1, callerPlaces: 1, callerWaiting: 2, waiting: 3, callerLoad: 100, load: 10_000))
        _ = try shares.arrive(Share(caller: "a")).get()
        let step8 = shares.next()
        #expect(step8 != nil)
        _ = try shares.arrive(Share(caller: "a"), load: 1000).get()
        // The first that waits may weigh what it likes; the second has to fit beside it.
        let answer9 = shares.arrive(Share(caller: "a"), load: 1)
        #expect(answer9 == .failure(.init(.callerWaits(1))))
        _ = try shares.arrive(Share(caller: "b", weight: 20), load: 100).get()
        _ = try shares.arrive(Share(caller: "b", weight: 20), load: 100).get()
        let answer10 = shares.arrive(Share(caller: "b", weight: 20), load: 0)
        #expect(answer10 == .failure(.init(.callerWaits(2))))
        let answer11 = shares.arrive(Share(caller: "c"))
        #expect(answer11 == .failure(.init(.allWait(3))))
    }

    /// Against the rules themselves, over many random courses.
    @Test("nobody starves, nothing is lost and no bound is passed, whatever comes and goes", arguments: 0..<60)
    func courses(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let places = Int.random(in: 1...12, using: &random)
        let limits = FairShares.Limits(
            places: places, callerPlaces: Int.random(in: 1...places, using: &random), callerWaiting: 6, waiting: 20)
        var shares = FairShares(limits)
        let names = ["a", "b", "c", "d", "e"]
        let weights = Dictionary(
            uniqueKeysWithValues: names.map { ($0, [1, 10, 10, 20, 100].randomElement(using: &random) ?? 1) })
        var waiting: [FairShares.Ticket: String] = [:]
        var running: [String: Int] = [:]
        /// Starts of others since a caller without any place waits.
        var passed: [String: Int] = [:]
        for _ in 0..<800 {
            let name = names.randomElement(using: &random) ?? "a"
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let own = waiting.values.count { $0 == name }
                switch shares.arrive(Share(caller: name, weight: weights[name] ?? 1)) {
                case .success(let ticket): waiting[ticket] = name
                case .failure(let error):
                    #expect(error.refusal == (own == 6 ? .callerWaits(6) : .allWait(20)))
                }
            case 5..<9:
                guard let count = running[name], count > 0 else { continue }
                running[name] = count - 1
                shares.leave(name)
            default:
                guard let (ticket, owner) = waiting.min(by: { $0.key < $1.key }) else { continue }
                let isOut = shares.withdraw(ticket, of: owner)
                let isOutAgain = shares.withdraw(ticket, of: owner)
                #expect(isOut && !isOutAgain)
                waiting[ticket] = nil
            }
            while let ticket = shares.next() {
                let known = waiting.removeValue(forKey: ticket)
                let starter = try #require(known)
                for other in Set(waiting.values) where other != starter && running[other, default: 0] == 0 {
                    passed[other, default: 0] += 1
                }
                passed[starter] = 0
                running[starter, default: 0] += 1
            }
            for name in names where !waiting.values.contains(name) || running[name, default: 0] > 0 { passed[name] = 0 }
            let all = running.values.reduce(0, +)
            #expect(all == shares.placesTaken && all <= limits.places)
            #expect(waiting.count == shares.waitingCount)
            for name in names {
                let count = running[name, default: 0]
                #expect(count == shares.places(of: name) && count <= max(1, limits.callerPlaces))
                // A place is idle only where nobody may have it.
                if all < limits.places, waiting.values.contains(name) { #expect(count >= limits.callerPlaces) }
                // One of weight 1 beside four of weight 100: each of those may go a hundred times for every once.
                #expect(passed[name, default: 0] <= 100 * names.count)
            }
        }
    }
}
