import Accounts
import Testing

struct LogInThrottleTests {
    private static let here = ClientAddress("192.0.2.1")

    private static func rules(
        account: Int = 3, address: Int = 100, atOnce: Int = 1000, capacity: Int = 1000
    ) -> LogInThrottle.Rules {
        var rules = LogInThrottle.Rules()
        rules.account = .init(free: account, first: .seconds(1), longest: .seconds(60))
        rules.address = .init(free: address, first: .seconds(1), longest: .seconds(60))
        rules.halving = .seconds(600)
        rules.atOnce = atOnce
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
        let throttle = Guesser(rules: Self.rules())
        var now = Duration.zero
        for (number, wait) in [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60].enumerated() {
            let address = ClientAddress("192.0.2.\(number)")
            if wait > 0 {
                #expect(throttle.begin("ada", address, now) == .wait(.seconds(wait)))
                now += .seconds(wait) - .nanoseconds(1)
                #expect(throttle.begin("ada", address, now) == .wait(.nanoseconds(1)))
                now += .nanoseconds(1)
            }
            #expect(throttle.attempt("ada", address, now, .wrong))
            #expect(throttle.attempt("other\(number)", address, now, .wrong))
        }
    }

    @Test("an address that guesses waits, whatever names it tries")
    func address() {
        let throttle = Guesser(rules: Self.rules(address: 5))
        for number in 0..<5 { #expect(throttle.attempt("user\(number)", Self.here, .zero, .wrong)) }
        #expect(throttle.begin("user9", Self.here, .zero) == .wait(.seconds(1)))
        #expect(throttle.attempt("user9", ClientAddress("192.0.2.2"), .zero, .wrong))
    }

    @Test("guesses from everywhere do not keep a user out where they have logged in before")
    func knownNetwork() {
        let throttle = Guesser(rules: Self.rules(address: 5))
        #expect(throttle.attempt("ada", Self.here, .zero, .right))
        for number in 0..<100 {
            _ = throttle.attempt("ada", ClientAddress("198.51.100.\(number)"), .zero, .wrong)
        }
        #expect(!throttle.attempt("ada", ClientAddress("203.0.113.1"), .zero, .right))
        // Nor do guesses at others from there.
        for number in 0..<100 { _ = throttle.attempt("user\(number)", Self.here, .zero, .wrong) }
        #expect(!throttle.attempt("eve", Self.here, .zero, .right))
        for _ in 0..<10 { #expect(throttle.attempt("ada", Self.here, .zero, .right)) }
    }

    @Test("whoever guesses from a network that is known is held there as elsewhere, and elsewhere is not")
    func guessesFromKnownNetwork() {
        let throttle = Guesser(rules: Self.rules())
        #expect(throttle.attempt("ada", Self.here, .zero, .right))
        for _ in 0..<3 { #expect(throttle.attempt("ada", Self.here, .zero, .wrong)) }
        #expect(throttle.begin("ada", Self.here, .zero) == .wait(.seconds(1)))
        #expect(throttle.attempt("ada", ClientAddress("203.0.113.1"), .zero, .right))
    }

    @Test("a user has so many known networks; the one that was not used for longest makes room")
    func networkLimit() {
        var rules = Self.rules()
        rules.networks = 2
        let throttle = Guesser(rules: rules)
        for number in [1, 2, 1, 3] {
            #expect(throttle.attempt("ada", ClientAddress("192.0.2.\(number)"), .zero, .right))
        }
        for number in 0..<10 { _ = throttle.attempt("ada", ClientAddress("198.51.100.\(number)"), .zero, .wrong) }
        let admitted = (1...3).filter { throttle.attempt("ada", ClientAddress("192.0.2.\($0)"), .zero, .withdrawn) }
        #expect(admitted == [1, 3])
    }

    @Test("a password that was given anew is tried anew, from everywhere")
    func forgiveness() {
        let throttle = Guesser(rules: Self.rules())
        let there = ClientAddress("203.0.113.1")
        #expect(throttle.attempt("ada", there, .zero, .right))
        for _ in 0..<3 {
            #expect(throttle.attempt("ada", Self.here, .zero, .wrong))
            #expect(throttle.attempt("ada", there, .zero, .wrong))
            #expect(throttle.attempt("eve", Self.here, .zero, .wrong))
        }
        throttle.forgive("ada")
        #expect(throttle.attempt("ada", Self.here, .zero, .wrong) && throttle.attempt("ada", there, .zero, .wrong))
        #expect(!throttle.attempt("eve", Self.here, .zero, .wrong))
    }

    @Test("log-ins and changes of a password are counted apart")
    func changes() throws {
        let throttle = Guesser(rules: Self.rules(address: 5))
        let change = LogInThrottle.Target.change(try #require(UserID(1)))
        for _ in 0..<10 { _ = throttle.attempt("ada", Self.here, .zero, .wrong) }
        for _ in 0..<3 { #expect(throttle.attempt(change, Self.here, .zero, .wrong)) }
        #expect(throttle.begin(change, Self.here, .zero) == .wait(.seconds(1)))
        let there = ClientAddress("203.0.113.1")
        #expect(throttle.begin(change, there, .zero) == .wait(.seconds(1)))
        #expect(throttle.attempt("eve", there, .zero, .right))
    }

    @Test("as many attempts run at once as may fail, and the others wait for one of them")
    func parallel() throws {
        let throttle = Guesser(rules: Self.rules())
        var running = (0..<1000).compactMap { _ in throttle.begin("ada", Self.here, .zero).attempt }
        #expect(running.count == 3 && throttle.begin("ada", Self.here, .zero) == .crowded)
        throttle.end(running.removeLast(), .withdrawn, now: .zero)
        running.append(try #require(throttle.begin("ada", Self.here, .zero).attempt))
        throttle.end(running.removeLast(), .wrong, now: .zero)
        #expect(throttle.begin("ada", Self.here, .zero) == .crowded)
        for attempt in running { throttle.end(attempt, .wrong, now: .zero) }
        #expect(throttle.begin("ada", Self.here, .zero) == .wait(.seconds(1)))
        // After the wait, one at a time.
        let next = try #require(throttle.begin("ada", Self.here, .seconds(1)).attempt)
        #expect(throttle.begin("ada", Self.here, .seconds(1)) == .crowded)
        throttle.end(next, .wrong, now: .seconds(1))
        #expect(throttle.begin("ada", Self.here, .seconds(1)) == .wait(.seconds(2)))
    }

    @Test("of one address, few attempts run at once, whatever names they are at")
    func parallelAddress() throws {
        let throttle = Guesser(rules: Self.rules(atOnce: 4))
        let running = (0..<100).compactMap { throttle.begin("user\($0)", Self.here, .zero).attempt }
        #expect(running.count == 4 && throttle.begin("ada", Self.here, .zero) == .crowded)
        #expect(throttle.begin("ada", ClientAddress("192.0.2.2"), .zero).attempt != nil)
        throttle.end(running[0], .right, now: .zero)
        #expect(throttle.begin("ada", Self.here, .zero).attempt != nil)
    }

    @Test("success clears the account and not the address")
    func success() {
        let throttle = Guesser(rules: Self.rules(address: 5))
        for _ in 0..<2 { #expect(throttle.attempt("ada", Self.here, .zero, .wrong)) }
        for _ in 0..<20 { #expect(throttle.attempt("ada", Self.here, .zero, .right)) }
        for _ in 0..<2 { #expect(throttle.attempt("ada", ClientAddress("192.0.2.2"), .zero, .wrong)) }
        for _ in 0..<3 { #expect(throttle.attempt("eve", Self.here, .zero, .wrong)) }
        #expect(throttle.begin("bob", Self.here, .zero) == .wait(.seconds(1)))
    }

    @Test("an attempt that was not looked at does not count")
    func withdrawal() {
        let throttle = Guesser(rules: Self.rules())
        for _ in 0..<50 { #expect(throttle.attempt("ada", Self.here, .zero, .withdrawn)) }
        #expect(throttle.size == 0)
    }

    @Test("failures count for half after a while, however many right passwords come meanwhile")
    func fading() {
        let throttle = Guesser(rules: Self.rules(account: 1000, address: 5))
        var now = Duration.zero
        for number in 0..<12 {
            #expect(throttle.attempt("user\(number)", Self.here, now, .wrong))
            now += .seconds(60)
        }
        // 5 are free, and 6 more make the wait the longest.
        let latest = now - .seconds(60)
        for name in ["user0", "ada", "user0", "ada"] {
            #expect(throttle.attempt(name, Self.here, now, .right))
            now += .seconds(60)
        }
        // 11 by now; 5 after one halving, 2 after two, none after four.
        for (halvings, free) in [(1, 0), (2, 3), (3, 4), (4, 5)] {
            let later = Guesser(throttle)
            now = latest + .seconds(600) * halvings
            for number in 0..<max(1, free) {
                #expect(later.attempt("guess\(number)", Self.here, now, .wrong))
            }
            guard case .wait = later.begin("more", Self.here, now) else {
                Issue.record("\(halvings) halvings leave more than \(free) free")
                continue
            }
        }
    }

    @Test("memory is bounded, and names thrown in do not wash out an account that is under attack")
    func capacity() {
        let throttle = Guesser(rules: Self.rules(capacity: 100))
        for _ in 0..<3 { _ = throttle.attempt("ada", Self.here, .zero, .wrong) }
        for number in 0..<5000 {
            let address = ClientAddress("10.\(number / 65536).\(number / 256 % 256).\(number % 256)")
            _ = throttle.attempt("user\(number)", address, .milliseconds(number / 10), .wrong)
            _ = throttle.attempt("friend\(number)", address, .milliseconds(number / 10), .right)
        }
        #expect(throttle.size <= 300)
        #expect(!throttle.attempt("ada", ClientAddress("192.0.2.9"), .milliseconds(999), .wrong))
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
}

/// A throttle, and what those do who stand before it.
private final class Guesser {
    private var throttle: LogInThrottle

    init(rules: LogInThrottle.Rules) { throttle = LogInThrottle(rules: rules) }
    init(_ other: Guesser) { throttle = other.throttle }

    var size: Int { throttle.size }

    func begin(_ target: LogInThrottle.Target, _ address: ClientAddress, _ now: Duration) -> LogInThrottle.Verdict {
        throttle.begin(target, from: address, now: now)
    }

    func begin(_ name: String, _ address: ClientAddress, _ now: Duration) -> LogInThrottle.Verdict {
        begin(.logIn(name), address, now)
    }

    func end(_ attempt: LogInThrottle.Attempt, _ outcome: LogInThrottle.Outcome, now: Duration) {
        throttle.end(attempt, outcome, now: now)
    }

    /// Whether an attempt may be made, which ends at once.
    func attempt(
        _ target: LogInThrottle.Target, _ address: ClientAddress, _ now: Duration, _ outcome: LogInThrottle.Outcome
    ) -> Bool {
        guard let attempt = begin(target, address, now).attempt else { return false }
        end(attempt, outcome, now: now)
        return true
    }

    func attempt(
        _ name: String, _ address: ClientAddress, _ now: Duration, _ outcome: LogInThrottle.Outcome
    ) -> Bool {
        attempt(.logIn(name), address, now, outcome)
    }

    func forgive(_ name: String) { throttle.forgive(name) }
}

extension LogInThrottle.Verdict {
    fileprivate var attempt: LogInThrottle.Attempt? {
        if case .attempt(let attempt) = self { attempt } else { nil }
    }
}
