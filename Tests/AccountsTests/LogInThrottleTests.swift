import Accounts
import Testing

struct LogInThrottleTests {
    private static let here = ClientAddress("192.0.2.1")

    private static func rules(account: Int = 3, address: Int = 100, capacity: Int = 1000) -> LogInThrottle.Rules {
        var rules = LogInThrottle.Rules()
        rules.account = .init(free: account, first: .seconds(1), longest: .seconds(60))
        rules.address = .init(free: address, first: .seconds(1), longest: .seconds(60))
        rules.capacity = capacity
        return rules
    }

    @Test(
        "the wait doubles from the first failure that is not free, up to the longest",
        arguments: [
            (0, 0), (1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (8, 32), (9, 60), (10, 60), (1_000_000, 60),
        ])
    func waits(failures: Int, seconds: Int) {
        #expect(Self.rules().account.wait(afterFailures: failures) == .seconds(seconds))
    }

    @Test("an account that is guessed at waits longer and longer, from wherever the guesses come")
    func account() {
        var throttle = LogInThrottle(rules: Self.rules())
        var now = Duration.zero
        for (number, wait) in [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60].enumerated() {
            let address = ClientAddress("192.0.2.\(number)")
            if wait > 0 {
                #expect(throttle.begin(account: "ada", address: address, now: now) == .wait(.seconds(wait)))
                now += .seconds(wait) - .nanoseconds(1)
                #expect(throttle.begin(account: "ada", address: address, now: now) == .wait(.nanoseconds(1)))
                now += .nanoseconds(1)
            }
            #expect(isAttempt(throttle.begin(account: "ada", address: address, now: now)))
            #expect(isAttempt(throttle.begin(account: "other\(number)", address: address, now: now)))
        }
    }

    @Test("an address that guesses waits, whatever names it tries")
    func address() {
        var throttle = LogInThrottle(rules: Self.rules(address: 5))
        for number in 0..<5 {
            #expect(isAttempt(throttle.begin(account: "user\(number)", address: Self.here, now: .zero)))
        }
        #expect(throttle.begin(account: "user9", address: Self.here, now: .zero) == .wait(.seconds(1)))
        #expect(isAttempt(throttle.begin(account: "user9", address: ClientAddress("192.0.2.2"), now: .zero)))
    }

    @Test("attempts at once are no better than attempts in a row")
    func parallel() {
        var throttle = LogInThrottle(rules: Self.rules())
        let admitted = (0..<1000).filter { _ in
            isAttempt(throttle.begin(account: "ada", address: Self.here, now: .zero))
        }
        #expect(admitted.count == 3)
    }

    @Test("success clears the account, and gives the address only its own attempt back")
    func success() {
        var throttle = LogInThrottle(rules: Self.rules(address: 5))
        for _ in 0..<2 { _ = throttle.begin(account: "ada", address: Self.here, now: .zero) }
        for _ in 0..<20 {
            guard case .attempt(let attempt) = throttle.begin(account: "ada", address: Self.here, now: .zero) else {
                Issue.record("a right password was throttled")
                return
            }
            throttle.succeeded(attempt)
        }
        for _ in 0..<3 { #expect(isAttempt(throttle.begin(account: "ada", address: Self.here, now: .zero))) }
        #expect(!isAttempt(throttle.begin(account: "eve", address: Self.here, now: .zero)))
    }

    @Test("an attempt that was not looked at does not count")
    func withdrawal() {
        var throttle = LogInThrottle(rules: Self.rules())
        for _ in 0..<50 {
            guard case .attempt(let attempt) = throttle.begin(account: "ada", address: Self.here, now: .zero) else {
                Issue.record("an attempt that was withdrawn counted")
                return
            }
            throttle.withdraw(attempt)
        }
        #expect(throttle.size == 0)
    }

    @Test("failures are forgotten after a while without attempts")
    func memory() {
        var throttle = LogInThrottle(rules: Self.rules())
        for _ in 0..<3 { _ = throttle.begin(account: "ada", address: Self.here, now: .zero) }
        #expect(!isAttempt(throttle.begin(account: "ada", address: Self.here, now: .zero)))
        for _ in 0..<3 { #expect(isAttempt(throttle.begin(account: "ada", address: Self.here, now: .seconds(3600)))) }
        #expect(!isAttempt(throttle.begin(account: "ada", address: Self.here, now: .seconds(3600))))
    }

    @Test("memory is bounded, and names thrown in do not wash out an account that is under attack")
    func capacity() {
        var throttle = LogInThrottle(rules: Self.rules(capacity: 100))
        for _ in 0..<3 { _ = throttle.begin(account: "ada", address: Self.here, now: .zero) }
        for number in 0..<5000 {
            let address = ClientAddress("10.\(number / 65536).\(number / 256 % 256).\(number % 256)")
            _ = throttle.begin(account: "user\(number)", address: address, now: .milliseconds(number / 10))
        }
        #expect(throttle.size <= 200)
        #expect(
            !isAttempt(throttle.begin(account: "ada", address: ClientAddress("192.0.2.9"), now: .milliseconds(999))))
    }

    @Test(
        "addresses of one network are one client",
        arguments: [
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false), ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("fe80::1%eth0", "fe80::2", true),
            ("unix", "other", false), ("", "", true), ("?", "", false),
        ])
    func networks(one: String, other: String, isSame: Bool) {
        #expect((ClientAddress(one) == ClientAddress(other)) == isSame)
    }

    private func isAttempt(_ verdict: LogInThrottle.Verdict) -> Bool {
        if case .attempt = verdict { true } else { false }
    }
}
