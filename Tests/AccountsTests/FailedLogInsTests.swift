import Testing

@testable import Accounts

struct FailedLogInsTests {
    /// The outcome, address and repeats of refused log-ins, the oldest first.
    private func refusals(_ fixture: AccountFixture) async throws -> [String] {
        try await fixture.accounts.audit.entries().reversed()
            .filter { $0.outcome == .refused }
            .map { entry in
                let repeats = entry.details.filter { $0.name == "repeats" }.map(\.value).joined()
                return "\(entry.action) \(entry.subject.description) \(entry.address ?? "-") \(repeats)"
            }
    }

    private func rules() -> AccountServices.Rules {
        var rules = AccountServices.Rules()
        rules.logIns.throttle.account.free = 1000
        rules.logIns.throttle.address.free = 1000
        return rules
    }

    private func fail(_ fixture: AccountFixture, _ name: String, from address: String, times: Int) async {
        for _ in 0..<times {
            let outcome = await code {
                _ = try await fixture.accounts.logIns.logIn(
                    username: name, password: "wrong horse", from: ClientAddress(address))
            }
            #expect(outcome == .wrongCredentials)
        }
    }

    @Test("of log-ins that fail within a minute, the first has an entry, and the others have one together")
    func joining() async throws {
        try await withAccounts(rules: rules()) { fixture in
            try await fixture.add()
            await fail(fixture, "ada", from: "192.0.2.1", times: 20)
            await fail(fixture, "ada", from: "192.0.2.2", times: 1)
            await fail(fixture, "eve", from: "192.0.2.1", times: 3)
            let first = [
                "session.log_in user 1 ada 192.0.2.1 ", "session.log_in user 1 ada 192.0.2.2 ",
                "session.log_in user 192.0.2.1 ",
            ]
            #expect(try await refusals(fixture) == first)
            try await fixture.accounts.writeDown()
            #expect(try await refusals(fixture) == first)

            fixture.time.advance(.seconds(60))
            // The next failure begins a new minute, and ends the one before.
            await fail(fixture, "ADA", from: "192.0.2.1", times: 2)
            let second = first + ["session.log_in user 1 ada 192.0.2.1 19", "session.log_in user 1 ada 192.0.2.1 "]
            #expect(try await refusals(fixture) == second)
            for _ in 0..<2 { try await fixture.accounts.writeDown() }
            let third = second + ["session.log_in user 192.0.2.1 2"]
            #expect(try await refusals(fixture) == third)
            try await fixture.accounts.writeDown(isEnd: true)
            #expect(try await refusals(fixture) == third + ["session.log_in user 1 ada 192.0.2.1 1"])
        }
    }

    @Test("changes of a password that fail are joined too, apart from log-ins")
    func changes() async throws {
        try await withAccounts(rules: rules()) { fixture in
            try await fixture.add()
            let principal = try await fixture.principal(.session)
            await fail(fixture, "ada", from: "192.0.2.1", times: 1)
            for _ in 0..<5 {
                let outcome = await code {
                    try await fixture.accounts.logIns.changePassword(
                        of: principal, current: "wrong horse", to: Password("another one"),
                        from: AccountFixture.address)
                }
                #expect(outcome == .wrongCredentials)
            }
            try await fixture.accounts.writeDown(isEnd: true)
            #expect(
                try await refusals(fixture) == [
                    "session.log_in user 1 ada 192.0.2.1 ", "user.change_password user 1 ada 192.0.2.1 ",
                    "user.change_password user 1 ada 192.0.2.1 4",
                ])
        }
    }

    @Test("memory is bounded, no failure is lost, and what cannot be written down is kept")
    func bounds() throws {
        var failures = FailedLogIns(capacity: 10)
        var throttle = LogInThrottle()
        let event = AuditEvent(.nobody(from: nil), .logIn, on: .username(nil), outcome: .refused)
        var written = 0
        func count(_ entries: [FailedLogIns.Entry]) -> Int {
            entries.reduce(0) { sum, entry in
                sum + (entry.event.details.first { $0.name == "repeats" }.flatMap { Int($0.value) } ?? 1)
            }
        }
        for number in 0..<300 {
            let now = Duration.milliseconds(number)
            let address = ClientAddress("192.0.2.\(number / 3 % 100)")
            guard case .attempt(let attempt) = throttle.begin(.logIn("ada"), from: address, now: now) else {
                Issue.record("attempt \(number) was not let in")
                return
            }
            throttle.end(attempt, .right, now: now)
            let entries = failures.note(event, of: attempt, now: now)
            if number.isMultiple(of: 50) {
                failures.putBack(entries, now: now)
            } else {
                written += count(entries)
            }
        }
        let rest = failures.due(now: .seconds(1), everything: true)
        #expect(rest.count <= 20)
        #expect(written + count(rest) == 300)
        #expect(failures.due(now: .seconds(1), everything: true).isEmpty)
    }
}
