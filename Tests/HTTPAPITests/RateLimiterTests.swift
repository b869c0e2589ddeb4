import Testing

@testable import HTTPAPI

@Suite("The rate limiter")
struct RateLimiterTests {
    @Test("lets a minute's worth pass at once, then the steady rate")
    func rate() {
        let clock = ManualClock()
        let limiter = RateLimiter<String, ManualClock>(perMinute: 60, clock: clock)
        for _ in 0..<60 { #expect(limiter.take(from: "a") == nil) }
        #expect(limiter.take(from: "a") == .seconds(1))
        clock.advance(by: .milliseconds(500))
        #expect(limiter.take(from: "a") == .seconds(0.5))
        clock.advance(by: .milliseconds(500))
        #expect(limiter.take(from: "a") == nil)
        #expect(limiter.take(from: "b") == nil)
    }

    @Test("never saves up more than a minute")
    func cap() {
        let clock = ManualClock()
        let limiter = RateLimiter<String, ManualClock>(perMinute: 2, clock: clock)
        clock.advance(by: .seconds(3600))
        #expect((0..<3).map { _ in limiter.take(from: "a") == nil } == [true, true, false])
    }

    @Test("of 0 lets everything pass")
    func off() {
        let limiter = RateLimiter<String, ManualClock>(perMinute: 0, clock: ManualClock())
        #expect((0..<1000).allSatisfy { _ in limiter.take(from: "a") == nil })
    }

    @Test("remembers who has spent something, however many callers come")
    func pruning() {
        let clock = ManualClock()
        let limiter = RateLimiter<String, ManualClock>(perMinute: 1, clock: clock, pruneThreshold: 4)
        #expect(limiter.take(from: "spender") == nil)
        for caller in 0..<100 { #expect(limiter.take(from: "\(caller)") == nil) }
        #expect(limiter.take(from: "spender") != nil)
    }
}
