import Exchange
import Testing

@Suite struct ReaderPaceTests {
    /// How many of `rounds` reads pass before the reader is too slow.
    private func passed(_ rounds: Int, bytes: Int, every wait: Duration) -> Int {
        var pace = ReaderPace()
        for round in 0..<rounds {
            if pace.isTooSlow { return round }
            #expect(pace.allowance <= ReaderPace.longestWait)
            pace.took(bytes, after: wait)
        }
        return rounds
    }

    @Test(arguments: [
        (bytes: 256 << 10, wait: Duration.seconds(15)), (256 << 10, .milliseconds(1)), (16 << 10, .seconds(1)),
        (0, .zero),
    ])
    func `who reads fast enough reads for ever`(bytes: Int, wait: Duration) {
        #expect(passed(10_000, bytes: bytes, every: wait) == 10_000)
    }

    @Test(arguments: [
        (bytes: 256 << 10, wait: Duration.seconds(299), rounds: 1), (1, .seconds(1), 31), (0, .seconds(10), 3),
        (15 << 10, .seconds(1), 481),
    ])
    func `who reads less than the least is given up`(bytes: Int, wait: Duration, rounds: Int) {
        #expect(abs(passed(10_000, bytes: bytes, every: wait) - rounds) <= 1)
    }

    @Test func `a burst pays for a long wait, and not for one without end`() {
        var pace = ReaderPace()
        pace.took(64 << 20, after: .zero)
        #expect(pace.allowance == ReaderPace.longestWait)
        pace.took(8 << 20, after: .seconds(250))
        #expect(pace.allowance == ReaderPace.longestWait)
        pace.took(0, after: .seconds(300))
        #expect(pace.isTooSlow)
    }
}
