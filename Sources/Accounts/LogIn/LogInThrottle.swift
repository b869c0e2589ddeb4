/// Slows down who guesses passwords: a pure state machine that is told the time.
///
/// Names are counted, and addresses. Each has some failures free; each further one doubles the time until the next attempt may be
/// made, up to a longest, and what has failed counts for half after a while. Names are counted whether or not a user has them, so
/// that nothing is learnt from the answers.
///
/// Whoever knows a name could keep its owner out by guessing. So a network from which a user has logged in before is held by a
/// count of its own for this user, and neither by what others do to the name nor by what others do from there.
///
/// As many attempts run at once as may fail, so that a thousand at once are no better than a thousand in a row; who comes past
/// them waits for one to end.
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
            return doublings >= Self.mostDoublings ? longest : min(first * (1 << doublings), longest)
        }

        private static let mostDoublings = 30

        /// Failures past which nothing changes; more are not counted, so that they are forgotten as fast.
        fileprivate var most: Int {
            free + ((0..<Self.mostDoublings).first { first * (1 << $0) >= longest } ?? Self.mostDoublings)
        }
    }

    package struct Rules: Sendable, Hashable {
        /// For a name from all networks that are new to it, for a user from each network that is not, and for changes of a password.
        package var account = Rule(free: 5, first: .seconds(1), longest: .seconds(300))
        package var address = Rule(free: 20, first: .seconds(1), longest: .seconds(900))
        /// How long after the latest failure what has failed counts for half.
        package var halving: Duration = .seconds(900)
        /// Attempts from one address that run at once.
        package var atOnce = 4
        /// Networks of one user that are remembered; the one that was not used for longest makes room.
        package var networks = 16
        /// Names, addresses, and users with networks that are remembered at most.
        package var capacity = 10_000

        package init() {}
    }

    /// What an attempt is at.
    package enum Target: Sendable, Hashable {
        /// Logging in with a name, in lower case.
        case logIn(String)
        /// Changing the password of a user who is logged in already.
        case change(UserID)
    }

    /// What failures are counted by, besides the address.
    fileprivate enum Lane: Sendable, Hashable {
        case new(String)
        case known(String, ClientAddress)
        case change(UserID)

        /// The name that is logged in with.
        var name: String? {
            switch self {
            case .new(let name), .known(let name, _): name
            case .change: nil
            }
        }
    }

    /// An attempt that runs: end it once.
    package struct Attempt: Sendable, Hashable {
        package let target: Target
        package let address: ClientAddress
        fileprivate let lane: Lane
    }

    package enum Verdict: Sendable, Hashable {
        case attempt(Attempt)
        /// Not before so much time has passed.
        case wait(Duration)
        /// Not before an attempt that runs has ended.
        case crowded
    }

    /// What became of an attempt.
    package enum Outcome: Sendable, Hashable {
        case right
        case wrong
        /// Nothing was learnt from it, because the password was not looked at.
        case withdrawn
    }

    private struct Tries: Sendable {
        private var failures = 0
        /// When the latest failure was.
        private var latest = Duration.zero
        var running = 0

        var isNothing: Bool { failures == 0 && running == 0 }

        /// What the failures count for by now.
        func weight(_ halving: Duration, _ now: Duration) -> Int {
            let halvings = (now - latest) / halving
            return halvings < 1 ? failures : halvings < 62 ? failures >> Int(halvings) : 0
        }

        mutating func fail(_ rule: Rule, _ halving: Duration, _ now: Duration) {
            failures = min(weight(halving, now) + 1, rule.most)
            latest = now
        }

        mutating func forgive() { failures = 0 }

        /// How long no attempt may be made.
        func remaining(_ rule: Rule, _ halving: Duration, _ now: Duration) -> Duration {
            max(.zero, latest + rule.wait(afterFailures: weight(halving, now)) - now)
        }

        func hasRoom(_ rule: Rule, _ halving: Duration, _ now: Duration) -> Bool {
            running < max(1, rule.free - weight(halving, now))
        }
    }

    private struct Networks: Sendable {
        /// The one that was used latest last.
        var addresses: [ClientAddress] = []
        var latest: Duration
    }

    package let rules: Rules
    private var lanes: [Lane: Tries] = [:]
    private var addresses: [ClientAddress: Tries] = [:]
    private var known: [String: Networks] = [:]

    package init(rules: Rules = Rules()) {
        self.rules = rules
    }

    /// How many names, addresses and users with networks are remembered.
    package var size: Int { lanes.count + addresses.count + known.count }

    /// Begins an attempt, or says what to wait for.
    ///
    /// - Parameter now: time since some fixed moment.
    package mutating func begin(_ target: Target, from address: ClientAddress, now: Duration) -> Verdict {
        let lane = lane(of: target, address)
        let halving = rules.halving
        var tries = lanes[lane] ?? Tries()
        var local = addresses[address] ?? Tries()
        var wait = tries.remaining(rules.account, halving, now)
        var hasRoom = tries.hasRoom(rules.account, halving, now) && local.running < rules.atOnce
        if case .new = lane {
            wait = max(wait, local.remaining(rules.address, halving, now))
            hasRoom = hasRoom && local.hasRoom(rules.address, halving, now)
        }
        guard wait <= .zero else { return .wait(wait) }
        guard hasRoom else { return .crowded }
        tries.running += 1
        local.running += 1
        Self.put(tries, lane, in: &lanes, rules, now)
        Self.put(local, address, in: &addresses, rules, now)
        return .attempt(Attempt(target: target, address: address, lane: lane))
    }

    /// Ends an attempt.
    ///
    /// A right password clears the name's failures, or the network's own, and the network is known from then on. It does not clear
    /// the address's, or whoever has one account could go on guessing others for ever.
    package mutating func end(_ attempt: Attempt, _ outcome: Outcome, now: Duration) {
        end(attempt.lane, in: \.lanes) { [rules] tries in
            switch outcome {
            case .right: tries.forgive()
            case .wrong: tries.fail(rules.account, rules.halving, now)
            case .withdrawn: break
            }
        }
        end(attempt.address, in: \.addresses) { [rules] tries in
            guard outcome == .wrong, attempt.lane.name != nil else { return }
            tries.fail(rules.address, rules.halving, now)
        }
        if outcome == .right, let name = attempt.lane.name { remember(attempt.address, of: name, now) }
    }

    /// Takes it that the name's user has logged in from the address before; call it in the order of their use.
    mutating func recall(_ address: ClientAddress, of name: String, now: Duration) {
        remember(address, of: name, now)
    }

    /// Forgets what has failed for a name: its user has got another password.
    package mutating func forgive(_ name: String) {
        for lane in lanes.keys where lane.name == name {
            lanes[lane]?.forgive()
            if lanes[lane]?.isNothing == true { lanes[lane] = nil }
        }
    }

    private func lane(of target: Target, _ address: ClientAddress) -> Lane {
        switch target {
        case .logIn(let name):
            known[name]?.addresses.contains(address) == true ? .known(name, address) : .new(name)
        case .change(let user): .change(user)
        }
    }

    private mutating func end<Key>(
        _ key: Key, in table: WritableKeyPath<Self, [Key: Tries]>, _ change: (inout Tries) -> Void
    ) {
        // What runs is never forgotten.
        guard var tries = self[keyPath: table][key] else { return }
        tries.running -= 1
        change(&tries)
        self[keyPath: table][key] = tries.isNothing ? nil : tries
    }

    private mutating func remember(_ address: ClientAddress, of name: String, _ now: Duration) {
        if known[name] == nil, known.count >= rules.capacity {
            let oldest = known.sorted { $0.value.latest < $1.value.latest }
            for (name, _) in oldest.prefix(max(1, rules.capacity / 10)) { known[name] = nil }
        }
        var networks = known[name] ?? Networks(latest: now)
        networks.addresses.removeAll { $0 == address }
        networks.addresses.append(address)
        networks.addresses.removeFirst(max(0, networks.addresses.count - rules.networks))
        networks.latest = now
        known[name] = networks
    }

    private static func put<Key>(
        _ tries: Tries, _ key: Key, in table: inout [Key: Tries], _ rules: Rules, _ now: Duration
    ) {
        if table[key] == nil, table.count >= rules.capacity { makeRoom(in: &table, rules, now) }
        table[key] = tries
    }

    /// Forgets what counts for nothing by now, and where that is not enough, the tenth that counts for least.
    private static func makeRoom<Key>(in table: inout [Key: Tries], _ rules: Rules, _ now: Duration) {
        table = table.filter { $0.value.running > 0 || $0.value.weight(rules.halving, now) > 0 }
        guard table.count >= rules.capacity else { return }
        let least = table.filter { $0.value.running == 0 }
            .map { (key: $0.key, weight: $0.value.weight(rules.halving, now)) }.sorted { $0.weight < $1.weight }
        for (key, _) in least.prefix(max(1, rules.capacity / 10)) { table[key] = nil }
    }
}
