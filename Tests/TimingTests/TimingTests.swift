import ShoalTestSupport
import Testing
import Timing

@Suite("Pauses between tries")
struct BackOffTests {
    @Test(
        "double up to their limit, and differ from one who waits to the next",
        arguments: [
            BackOff(first: .milliseconds(100), longest: .seconds(2), spread: 0.5...1),
            BackOff(first: .seconds(1), longest: .seconds(60), spread: 0.75...1.25),
            BackOff(first: .milliseconds(500), longest: .seconds(30), spread: 0.5...1.5),
        ], [0, 1, 2, 3, 10, 40, Int.max])
    func pauses(backOff: BackOff, failures: Int) {
        var random = SeededRandom(seed: UInt64(failures))
        let whole = min(backOff.first * (1 << min(max(failures, 1) - 1, 20)), backOff.longest)
        let pauses = (0..<50).map { _ in backOff.pause(afterFailures: failures, using: &random) }
        #expect(
            pauses.allSatisfy { $0 >= whole * backOff.spread.lowerBound && $0 <= whole * backOff.spread.upperBound })
        #expect(Set(pauses).count > 40)
    }
}

@Suite("A node's clock")
struct NodeClockTests {
    @Test("goes on, and sleeps")
    func system() async throws {
        let clock = NodeClock.system
        let begin = clock.now()
        try await clock.sleep(.milliseconds(2))
        #expect(clock.now() - begin >= .milliseconds(2))
        #expect(clock.seconds > 1_700_000_000)
    }
}
