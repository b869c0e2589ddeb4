import Dispatch
import Foundation
import Store
import Testing

@testable import Accounts

struct LogInTests {
    @Test("the right password logs in, whatever the case of the name")
    func success() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add()
            #expect(try await fixture.logIn("ADA").user == user)
        }
    }

    @Test(
        "unknown, deactivated and wrong get the same answer, at the same time",
        arguments: [
            "unknown", "deactivated", "wrong", "no name at all", "no password at all",
        ])
    func equalAnswers(what: String) async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            if what == "deactivated" { try await fixture.users.deactivate(user, by: AccountFixture.actor) }
            let (name, password) =
                switch what {
                case "unknown": ("eve", AccountFixture.password)
                case "deactivated": ("ada", AccountFixture.password)
                case "no name at all": ("\u{0}é" + String(repeating: "x", count: 100_000), AccountFixture.password)
                case "no password at all": ("ada", "")
                default: ("ada", "wrong horse")
                }
            var answers: [String] = []
            for _ in 0..<8 {
                let error = await #expect(throws: AccountError.self) { try await fixture.logIn(name, password) }
                answers.append("\(error?.code.description ?? "") \(error?.message ?? "")")
            }
            #expect(
                answers == Array(repeating: "wrongCredentials the username or the password is wrong", count: 5)
                    + Array(repeating: "throttled too many log-ins failed; try again in 1 s", count: 3))
        }
    }

    @Test("names that nobody has cost the same hashing, and what was not looked at is not counted")
    func equalWork() async throws {
        var rules = AccountServices.Rules()
        rules.hashing = .init(concurrent: 1, waiting: 0)
        try await withAccounts(rules: rules) { fixture in
            try await fixture.add()
            let gone = try await fixture.add("eve").id
            try await fixture.users.deactivate(gone, by: AccountFixture.actor)
            let (entered, gate) = (AsyncStream.makeStream(of: Void.self), DispatchSemaphore(value: 0))
            async let held: Void = fixture.users.hasher.inTurn(for: .logIn) {
                entered.continuation.finish()
                gate.wait()
            }
            for await _ in entered.stream {}
            for (name, password) in [("ada", "correct horse"), ("eve", "x"), ("nobody", "x"), ("", ""), ("ada", "")] {
                for _ in 0..<10 { #expect(await code { _ = try await fixture.logIn(name, password) } == .busy) }
            }
            gate.signal()
            try await held
            _ = try await fixture.logIn()
        }
    }

    @Test("a throttled account does not take the right password either, until the wait is over")
    func throttling() async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            for _ in 0..<5 { _ = await code { _ = try await fixture.logIn("ada", "wrong horse") } }
            let error = await #expect(throws: AccountError.self) { try await fixture.logIn() }
            #expect(error?.code == .throttled && error?.retryAfter == .seconds(1))
            fixture.time.advance(.seconds(1))
            _ = try await fixture.logIn()
            _ = try await fixture.logIn()
        }
    }

    @Test("guesses at once are no better than guesses in a row")
    func parallelGuesses() async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let codes = await withTaskGroup(of: AccountError.Code?.self) { group in
                for _ in 0..<200 { group.addTask { await code { _ = try await fixture.logIn("ada", "wrong horse") } } }
                return await group.reduce(into: [AccountError.Code?: Int]()) { $0[$1, default: 0] += 1 }
            }
            // Of those who did not fit into the line, nobody was looked at.
            #expect(codes[.wrongCredentials] == 5)
            #expect(Set(codes.keys).isSubset(of: [.wrongCredentials, .throttled, .busy]))
        }
    }

    @Test("a password that is good for one log-in lets one of many in")
    func oneTimePassword() async throws {
        var rules = AccountServices.Rules()
        rules.logIns.throttle.account.free = 1000
        rules.logIns.throttle.address.free = 1000
        try await withAccounts(rules: rules) { fixture in
            let password = try #require(try await fixture.users.bootstrap()).text
            let admitted = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<30 { group.addTask { (try? await fixture.logIn("admin", password)) != nil } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(admitted == 1)
        }
    }

    @Test("a password that is good for one log-in is good for none once somebody else can administer the node")
    func supersededPassword() async throws {
        try await withAccounts { fixture in
            let password = try #require(try await fixture.users.bootstrap()).text
            try await fixture.add("ada", role: .admin)
            #expect(await code { _ = try await fixture.logIn("admin", password) } == .wrongCredentials)
        }
    }

    @Test("a user changes their password with the one they have, and is logged out")
    func changing() async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let session = try await fixture.accounts.sessions.begin(for: fixture.logIn())
            let credentials = Credentials.session(session.id, csrf: .notNeeded)
            let principal = try #require(try await fixture.accounts.authenticator.authenticate(credentials))
            let (logIns, here) = (fixture.accounts.logIns, AccountFixture.address)
            let new = try Password("battery staple")
            #expect(
                await code { try await logIns.changePassword(of: principal, current: "wrong", to: new, from: here) }
                    == .wrongCredentials)
            #expect(try await fixture.accounts.authenticator.authenticate(credentials) != nil)
            try await logIns.changePassword(of: principal, current: AccountFixture.password, to: new, from: here)
            #expect(
                await code { _ = try await fixture.accounts.authenticator.authenticate(credentials) } == .badSession)
            #expect(await code { _ = try await fixture.logIn() } == .wrongCredentials)
            _ = try await fixture.logIn("ada", "battery staple")
        }
    }

    @Test(
        "the password that a user has is no new one, nor is their name",
        arguments: ["correct horse", "pa\u{308}ssword", "ada@example.com"])
    func samePassword(new: String) async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let current = new.hasSuffix("ssword") ? "p\u{E4}ssword" : AccountFixture.password
            try await fixture.users.update(user, .init(password: Password(current)), by: AccountFixture.actor)
            let principal = try await fixture.principal(.jwt, "ada", current)
            let error = await #expect(throws: AccountError.self) {
                try await fixture.accounts.logIns.changePassword(
                    of: principal, current: current, to: Password(new), from: AccountFixture.address)
            }
            #expect(error?.code == .badValue && error?.field == "new_password")
            _ = try await fixture.logIn("ada", current)
        }
    }

    @Test("a hash of another cost is made anew at the next log-in")
    func renewal() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            var rules = AccountServices.Rules()
            rules.hashing.cost = PasswordCost(logRounds: 5, blockSize: 1, parallelism: 1)
            let dearer = try AccountFixture.accounts(
                fixture.store, keyPath: fixture.keyPath, rules: rules, fixture.time.clock)
            func hash() async throws -> String {
                try await fixture.store.read { try UserRow.fetch(user, $0).passwordHash }
            }
            #expect(try await hash().contains("$ln=4,"))
            for _ in 0..<2 {
                _ = try await dearer.logIns.logIn(
                    username: "ada", password: AccountFixture.password, from: AccountFixture.address)
                #expect(try await hash().contains("$ln=5,"))
            }
        }
    }
}
