import Dispatch
import GRDB
import Store
import Testing

@testable import Accounts

struct LogInGateTests {
    @Test("right passwords at once all log in")
    func simultaneous() async throws {
        var rules = AccountServices.Rules()
        // However slow the disk is.
        rules.logIns.patience = .seconds(600)
        try await withAccounts(rules: rules) { fixture in
            try await fixture.add()
            let codes = await withTaskGroup(of: AccountError.Code?.self) { group in
                for _ in 0..<20 { group.addTask { await code { _ = try await fixture.logIn() } } }
                return await group.reduce(into: [AccountError.Code?: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == [nil: 20])
        }
    }

    @Test("who waits for others does so for a while, and few of one address wait")
    func patience() async throws {
        var rules = AccountServices.Rules()
        rules.hashing = .init(concurrent: 1)
        rules.logIns.patience = .milliseconds(50)
        rules.logIns.waitingPerAddress = 2
        try await withAccounts(rules: rules) { fixture in
            try await fixture.add()
            let (entered, enter) = AsyncStream.makeStream(of: Never.self)
            let gate = DispatchSemaphore(value: 0)
            async let held: Void = fixture.users.hasher.inTurn(for: .logIn) {
                enter.finish()
                gate.wait()
            }
            for await _ in entered {}
            await withTaskGroup(of: AccountError.Code?.self) { group in
                for _ in 0..<10 { group.addTask { await code { _ = try await fixture.logIn() } } }
                // Four are in the line of the hasher; two wait in vain, and four are turned away at once.
                for _ in 0..<6 { #expect(await group.next() == .busy) }
                gate.signal()
                for await outcome in group { #expect(outcome == nil) }
            }
            try await held
        }
    }

    @Test("who goes away while waiting takes no place")
    func cancellation() async throws {
        var rules = LogInGate.Rules()
        rules.throttle.account.free = 1
        rules.patience = .seconds(600)
        rules.waiting = 1
        let gate = LogInGate(rules: rules)
        let attempt = try await gate.enter(.logIn("ada"), from: AccountFixture.address)
        for _ in 0..<3 {
            let waiting = Task { try await gate.enter(.logIn("ada"), from: AccountFixture.address) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
        async let next = gate.enter(.logIn("ada"), from: AccountFixture.address)
        gate.leave(attempt, .right)
        gate.leave(try await next, .right)
    }

    @Test("whoever knows a name does not keep its user out where they have logged in before")
    func lockOut() async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            _ = try await fixture.logIn()
            let elsewhere = ClientAddress("198.51.100.1")
            for _ in 0..<50 {
                _ = await code {
                    _ = try await fixture.accounts.logIns.logIn(username: "ada", password: "x", from: elsewhere)
                }
            }
            #expect(
                await code {
                    _ = try await fixture.accounts.logIns.logIn(
                        username: "ada", password: AccountFixture.password, from: ClientAddress("203.0.113.1"))
                } == .throttled)
            for _ in 0..<3 { _ = try await fixture.logIn() }
        }
    }

    @Test("nor after a restart; the networks used latest are kept, and go with their user")
    func lockOutAfterRestart() async throws {
        var rules = AccountServices.Rules()
        rules.logIns.throttle.networks = 2
        try await withAccounts(rules: rules) { fixture in
            let user = try await fixture.add().id
            let networks = ["192.0.2.7", "2001:db8::1", "192.0.2.9"].map(ClientAddress.init)
            for network in networks {
                fixture.time.advance(.seconds(1))
                _ = try await fixture.accounts.logIns.logIn(
                    username: "ADA", password: AccountFixture.password, from: network)
            }
            let anew = try AccountFixture.accounts(
                fixture.store, keyPath: fixture.keyPath, rules: rules, fixture.time.clock)
            func logIn(_ password: String, from address: ClientAddress) async -> AccountError.Code? {
                await code { _ = try await anew.logIns.logIn(username: "ada", password: password, from: address) }
            }
            for _ in 0..<50 { _ = await logIn("x", from: ClientAddress("198.51.100.1")) }
            #expect(await logIn(AccountFixture.password, from: networks[0]) == .throttled)
            #expect(await logIn(AccountFixture.password, from: ClientAddress("2001:db8::ffff")) == nil)
            #expect(await logIn(AccountFixture.password, from: networks[2]) == nil)
            try await fixture.users.delete(user, by: AccountFixture.actor)
            #expect(
                try await fixture.store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM accountNetwork") } == 0)
        }
    }

    @Test("a password that an administrator sets is good at once")
    func forgiveness() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            for _ in 0..<5 { _ = await code { _ = try await fixture.logIn("ada", "wrong horse") } }
            try await fixture.users.update(
                user, .init(email: EmailAddress("other@example.com")), by: AccountFixture.actor)
            #expect(await code { _ = try await fixture.logIn() } == .throttled)
            try await fixture.users.update(user, .init(password: Password("another one")), by: AccountFixture.actor)
            _ = try await fixture.logIn("ada", "another one")
        }
    }

    @Test("failed log-ins do not keep a user from changing their password, nor the other way round")
    func changes() async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let principal = try await fixture.principal(.session)
            let elsewhere = ClientAddress("198.51.100.1")
            let logIns = fixture.accounts.logIns
            func change(_ current: String) async -> AccountError.Code? {
                await code {
                    try await logIns.changePassword(
                        of: principal, current: current, to: Password("another one"), from: elsewhere)
                }
            }
            for _ in 0..<5 {
                _ = await code { _ = try await logIns.logIn(username: "ada", password: "x", from: elsewhere) }
            }
            for _ in 0..<5 { #expect(await change("wrong horse") == .wrongCredentials) }
            #expect(await change(AccountFixture.password) == .throttled)
            _ = try await fixture.logIn()
            fixture.time.advance(.seconds(1))
            #expect(await change(AccountFixture.password) == nil)
        }
    }

    @Test("names that no user can have are told apart")
    func impossibleNames() async throws {
        try await withAccounts { fixture in
            func logIn(_ name: String, from address: Int) async -> AccountError.Code? {
                await code {
                    _ = try await fixture.accounts.logIns.logIn(
                        username: name, password: "x", from: ClientAddress("192.0.2.\(address)"))
                }
            }
            for number in 0..<5 { #expect(await logIn("Not A Name", from: number) == .wrongCredentials) }
            #expect(await logIn("not a name", from: 9) == .throttled)
            #expect(await logIn("not a name either", from: 9) == .wrongCredentials)
        }
    }
}
