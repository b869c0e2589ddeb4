/// Slows down who guesses passwords: a pure state machine that is told the time.
///
/// Each account and each address has some attempts free. Each further failure doubles the time until the next attempt may be made,
/// up to a longest; after a while without attempts all is forgotten. An attempt counts as failed from its beginning, so that a
/// thousand at once are no better than a thousand in a row; success takes that back, and clears the account. Accounts are counted
/// by the name that was tried, whether or not a user has it, so that nothing is learnt from the answers.
package struct LogInThrottle: Sendable {
    package struct Rule: Sendable, Hashable {
        /// Failures before there is any wait.
        package var free: Int
        /// The first wait.
        package var first: Duration
        /// The wait never gets longer.
        package var longest: Duration

        package init(free: Int, first: Duration, longest: Duration) {
            self.free = free
            self.first = first
            self.longest = longest
        }

        /// How long to wait after so many failures in a row.
        package func wait(afterFailures failures: Int) -> Duration {
            guard failures >= free, failures > 0 else { return .zero }
            let doublings = failures - free
            return doublings >= 30 ? longest : min(first * (1 << doublings), longest)
        }
    }

    package struct Rules: Sendable, Hashable {
        package var account = Rule(free: 5, first: .seconds(1), longest: .seconds(300))
        package var address = Rule(free: 20, first: .seconds(1), longest: .seconds(900))
        /// How long without an attempt until failures are forgotten.
        package var memory: Duration = .seconds(3600)
        /// Accounts, and addresses, that are remembered at most.
        package var capacity = 10_000

        package init() {}
    }

    /// An attempt that may be made.
    package struct Attempt: Sendable, Hashable {
        fileprivate let account: String
        fileprivate let address: ClientAddress
    }

    package enum Verdict: Sendable, Hashable {
        case attempt(Attempt)
        /// Not before so much time has passed.
        case wait(Duration)
    }

    private struct Failures: Sendable {
        var count: Int
        /// When the latest attempt began.
        var latest: Duration
    }

    package let rules: Rules
    private var accounts: [String: Failures] = [:]
    private var addresses: [ClientAddress: Failures] = [:]

    package init(rules: Rules = Rules()) {
        self.rules = rules
    }

    /// How many accounts and addresses are remembered.
    package var size: Int { accounts.count + addresses.count }

    /// Begins an attempt, or says how long to wait.
    ///
    /// - Parameters:
    ///   - account: the name that is tried, in lower case.
    ///   - now: time since some fixed moment.
    package mutating func begin(account: String, address: ClientAddress, now: Duration) -> Verdict {
        let wait = max(
            Self.remaining(accounts[account], rules.account, rules.memory, now),
            Self.remaining(addresses[address], rules.address, rules.memory, now))
        guard wait <= .zero else { return .wait(wait) }
        Self.count(account, in: &accounts, rules, now)
        Self.count(address, in: &addresses, rules, now)
        return .attempt(Attempt(account: account, address: address))
    }

    /// The password was right. The account is cleared; the address only gets this attempt back, or whoever has one account could
    /// go on guessing others for ever.
    package mutating func succeeded(_ attempt: Attempt) {
        accounts[attempt.account] = nil
        Self.takeBack(attempt.address, in: &addresses)
    }

    /// Nothing was learnt from the attempt, because the password was not looked at.
    package mutating func withdraw(_ attempt: Attempt) {
        Self.takeBack(attempt.account, in: &accounts)
        Self.takeBack(attempt.address, in: &addresses)
    }

    private static func remaining(_ failures: Failures?, _ rule: Rule, _ memory: Duration, _ now: Duration) -> Duration
    {
        guard let failures, now - failures.latest < memory else { return .zero }
        return failures.latest + rule.wait(afterFailures: failures.count) - now
    }

    private static func count<Key>(_ key: Key, in table: inout [Key: Failures], _ rules: Rules, _ now: Duration) {
        var failures = table[key] ?? Failures(count: 0, latest: now)
        if now - failures.latest >= rules.memory { failures.count = 0 }
        failures.count += 1
        failures.latest = now
        if table[key] == nil, table.count >= rules.capacity { makeRoom(in: &table, rules, now) }
        table[key] = failures
    }

    /// Forgets what is over, and where that is not enough, the tenth with the fewest failures.
    private static func makeRoom<Key>(in table: inout [Key: Failures], _ rules: Rules, _ now: Duration) {
        table = table.filter { now - $0.value.latest < rules.memory }
        guard table.count >= rules.capacity else { return }
        let least = table.sorted { ($0.value.count, $0.value.latest) < ($1.value.count, $1.value.latest) }
        for (key, _) in least.prefix(max(1, rules.capacity / 10)) { table[key] = nil }
    }

    private static func takeBack<Key>(_ key: Key, in table: inout [Key: Failures]) {
        guard let failures = table[key] else { return }
        table[key] = failures.count > 1 ? Failures(count: failures.count - 1, latest: failures.latest) : nil
    }
}
