import Bytes
import Foundation
import GRDB
import Store
import Testing
import Timing

@testable import Accounts

struct SessionTests {
    private static let read = CSRFCheck.notNeeded

    private func begin(_ fixture: AccountFixture, _ name: String = "ada") async throws -> NewSession {
        try await fixture.accounts.sessions.begin(for: fixture.logIn(name))
    }

    private func refusal(_ fixture: AccountFixture, _ id: String, _ csrf: CSRFCheck = read) async -> AccountError.Code?
    {
        await code { _ = try await fixture.accounts.authenticator.authenticate(.session(id, csrf: csrf)) }
    }

    @Test("a session proves its user, and what changes something needs its CSRF token")
    func proof() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(role: .admin)
            let session = try await begin(fixture)
            let other = try await begin(fixture)
            for csrf in [CSRFCheck.notNeeded, .required(session.csrfToken)] {
                let principal = try await fixture.accounts.authenticator.authenticate(.session(session.id, csrf: csrf))
                #expect(principal?.user == user.id && principal?.username == user.username)
                #expect(principal?.isAdministrator == true && principal?.hasOneTimePassword == false)
                guard case .session(let handle)? = principal?.proof else { Issue.record("no session"); return }
                #expect(handle.csrfToken == session.csrfToken)
            }
            let wrong = [
                nil, "", other.csrfToken, session.id, session.csrfToken + "A", String(session.csrfToken.dropLast()),
            ]
            for token in wrong { #expect(await refusal(fixture, session.id, .required(token)) == .badCSRFToken) }
            #expect(session.id != other.id && session.csrfToken != other.csrfToken)
        }
    }

    @Test(
        "what is no session is refused",
        arguments: ["", "x", String(repeating: "A", count: 43), String(repeating: "é", count: 43), "\0"])
    func nonsense(id: String) async throws {
        try await withAccounts { fixture in
            #expect(await refusal(fixture, id) == .badSession)
        }
    }

    @Test("a session ends when it is not used for a while, and at some age")
    func expiry() async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let idle = try await begin(fixture)
            fixture.time.advance(.seconds(12 * 3600 - 1))
            #expect(await refusal(fixture, idle.id) == nil)
            fixture.time.advance(.seconds(12 * 3600 - 1))
            #expect(await refusal(fixture, idle.id) == nil)
            fixture.time.advance(.seconds(12 * 3600))
            #expect(await refusal(fixture, idle.id) == .expired)

            let old = try await begin(fixture)
            for _ in 0..<27 {
                fixture.time.advance(.seconds(6 * 3600))
                #expect(await refusal(fixture, old.id) == nil)
            }
            fixture.time.advance(.seconds(6 * 3600))
            #expect(fixture.time.clock.date() == old.expires)
            #expect(await refusal(fixture, old.id) == .expired)
            try await fixture.accounts.sessions.removeExpired()
            #expect(await refusal(fixture, old.id) == .badSession)
        }
    }

    @Test(
        "a session ends at once with log-out and with what ends it",
        arguments: ["log out", "deactivate", "password", "role", "delete"])
    func ending(how: String) async throws {
        try await withAccounts { fixture in
            try await fixture.add("root", role: .admin)
            let user = try await fixture.add().id
            let (session, bystander) = (try await begin(fixture), try await begin(fixture, "root"))
            let (users, actor) = (fixture.users, AccountFixture.actor)
            switch how {
            case "log out":
                let second = try await begin(fixture)
                let proved = try await fixture.accounts.authenticator.authenticate(
                    .session(session.id, csrf: .required(session.csrfToken)))
                try await fixture.accounts.authenticator.logOut(#require(proved), from: nil)
                #expect(await refusal(fixture, second.id) == nil)
            case "deactivate": try await users.deactivate(user, by: actor)
            case "password": try await users.update(user, .init(password: Password("another one")), by: actor)
            case "role": try await users.update(user, .init(role: .admin), by: actor)
            default: try await users.delete(user, by: actor)
            }
            #expect(await refusal(fixture, session.id) == .badSession)
            #expect(await refusal(fixture, bystander.id) == nil)
        }
    }

    @Test("nothing begins for a user who was changed after logging in")
    func race() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let logIn = try await fixture.logIn()
            try await fixture.users.update(user, .init(password: Password("another one")), by: AccountFixture.actor)
            #expect(await code { _ = try await fixture.accounts.sessions.begin(for: logIn) } == .wrongCredentials)
            #expect(await code { _ = try await fixture.accounts.jwts.issue(for: logIn) } == .wrongCredentials)
        }
    }

    @Test("a user has so many sessions; the one that was not used for longest makes room")
    func limit() async throws {
        var rules = AccountServices.Rules()
        rules.sessions.perUser = 3
        try await withAccounts(rules: rules) { fixture in
            try await fixture.add()
            var sessions: [NewSession] = []
            for _ in 0..<5 {
                sessions.append(try await begin(fixture))
                fixture.time.advance(.seconds(61))
                // The first stays in use.
                #expect(await refusal(fixture, sessions[0].id) == nil)
                fixture.time.advance(.seconds(1))
            }
            var alive: [Int] = []
            for (number, session) in sessions.enumerated() where await refusal(fixture, session.id) == nil {
                alive.append(number)
            }
            #expect(alive == [0, 3, 4])
        }
    }

    @Test("the database holds neither a session nor a token nor a password")
    func storage() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let session = try await begin(fixture)
            let token = try await fixture.accounts.apiTokens.create(name: "t", for: user, by: AccountFixture.actor).text
            _ = await refusal(fixture, session.id, .required("x"))
            let everything = try ["", "-wal"].map { try Data(contentsOf: URL(filePath: fixture.path + $0)) }
            for secret in [session.id, session.csrfToken, token, String(token.dropFirst(4)), AccountFixture.password] {
                #expect(everything.allSatisfy { $0.range(of: Data(secret.utf8)) == nil })
                let bytes = Base64URL.decode(secret)
                #expect(everything.allSatisfy { data in bytes.map { data.range(of: Data($0)) == nil } ?? true })
            }
            #expect(everything.contains { $0.range(of: Data("ada@example.com".utf8)) != nil })
        }
    }
}

struct APITokenTests {
    private func refusal(_ fixture: AccountFixture, _ text: String) async -> AccountError.Code? {
        await code { _ = try await fixture.accounts.authenticator.authenticate(.bearer(text)) }
    }

    @Test("a token proves its user until it is revoked, and lists show its first characters alone")
    func life() async throws {
        try await withAccounts { fixture in
            let tokens = fixture.accounts.apiTokens
            let user = try await fixture.add()
            let made = try await tokens.create(name: "laptop", for: user.id, by: AccountFixture.actor)
            #expect(made.text.hasPrefix("shl_") && made.text.utf8.count == 47)
            #expect(
                made.token.shown == made.text.prefix(10) + "..." && made.token.lastUsed == nil && made.token.isActive)
            fixture.time.advance(.seconds(5))
            let principal = try await fixture.accounts.authenticator.authenticate(.bearer(made.text))
            #expect(principal?.user == user.id && principal?.proof == .apiToken(made.token.id))
            let used = fixture.time.clock.date()
            fixture.time.advance(.seconds(59))
            #expect(await refusal(fixture, made.text) == nil)
            #expect(try await tokens.list(of: user.id).map(\.lastUsed) == [used])
            fixture.time.advance(.seconds(1))
            #expect(await refusal(fixture, made.text) == nil)
            #expect(try await tokens.list(of: user.id).map(\.lastUsed) == [used.addingTimeInterval(60)])

            let eve = try await fixture.add("eve").id
            #expect(
                await code { try await tokens.revoke(made.token.id, of: eve, by: AccountFixture.actor) }
                    == .tokenNotFound)
            #expect(await refusal(fixture, made.text) == nil)
            for _ in 0..<2 {
                #expect(try await !tokens.revoke(made.token.id, of: user.id, by: AccountFixture.actor).isActive)
                #expect(await refusal(fixture, made.text) == .badBearer)
            }
        }
    }

    @Test("deactivation revokes tokens for good, deletion removes them")
    func ending() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let text = try await fixture.accounts.apiTokens.create(name: "a", for: user, by: AccountFixture.actor).text
            try await fixture.users.update(user, .init(password: Password("another one")), by: AccountFixture.actor)
            #expect(await refusal(fixture, text) == nil)
            try await fixture.users.deactivate(user, by: AccountFixture.actor)
            #expect(await refusal(fixture, text) == .badBearer)
            #expect(
                await code {
                    _ = try await fixture.accounts.apiTokens.create(name: "b", for: user, by: AccountFixture.actor)
                }
                    == .userNotFound)
            try await fixture.users.update(user, .init(isActive: true), by: AccountFixture.actor)
            #expect(await refusal(fixture, text) == .badBearer)
            try await fixture.users.delete(user, by: AccountFixture.actor)
            #expect(await refusal(fixture, text) == .badBearer)
            #expect(try await fixture.accounts.apiTokens.list(of: user).isEmpty)
        }
    }

    @Test(
        "what is no token is refused",
        arguments: [
            "", "shl_", "shl_x", "SHL_" + String(repeating: "A", count: 43), "shl_" + String(repeating: "A", count: 43),
            "shl_" + String(repeating: "A", count: 42) + "=", " shl_", String(repeating: "a", count: 100_000), "\0",
            "a.b.c", "..",
        ])
    func nonsense(text: String) async throws {
        try await withAccounts { fixture in
            #expect(await refusal(fixture, text) == .badBearer)
        }
    }

    @Test(
        "what is good elsewhere is told so",
        arguments: [
            (String(repeating: "0123456789abcdef", count: 4), "each node has its own"),
            (String(repeating: "0123456789ABCDEF", count: 4), "each node has its own"),
            ("swarm://abc", "an invite code"), ("a.b.c", "not signed by this node"), ("key", "no such key or token"),
            ("shl_" + String(repeating: "A", count: 43), "no such API token"),
        ])
    func refusals(text: String, reason: String) async throws {
        try await withAccounts { fixture in
            let error = await #expect(throws: AccountError.self) {
                _ = try await fixture.accounts.authenticator.authenticate(.bearer(text))
            }
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
    }

    @Test("who was somebody is told why they are not any more")
    func ended() async throws {
        try await withAccounts { fixture in
            func reason(_ text: String) async -> String {
                do {
                    return "\(String(describing: try await fixture.accounts.authenticator.authenticate(.bearer(text))))"
                } catch {
                    return (error as? AccountError)?.message ?? "\(error)"
                }
            }
            let tokens = fixture.accounts.apiTokens
            let user = try await fixture.add().id
            let (first, second) = (
                try await tokens.create(name: "a", for: user, by: AccountFixture.actor),
                try await tokens.create(name: "b", for: user, by: AccountFixture.actor)
            )
            _ = try await tokens.revoke(first.token.id, of: user, by: AccountFixture.actor)
            #expect(await reason(first.text).contains("was revoked"))
            try await fixture.users.deactivate(user, by: AccountFixture.actor)
            #expect(await reason(second.text).contains("is deactivated"))
            _ = try await fixture.users.update(user, .init(isActive: true), by: AccountFixture.actor)
            #expect(await reason(second.text).contains("was revoked"))
        }
    }

    @Test("names have their bounds, and a user so many tokens")
    func bounds() async throws {
        try await withAccounts { fixture in
            let tokens = fixture.accounts.apiTokens
            let user = try await fixture.add().id
            for name in ["", "   ", "a\nb", String(repeating: "a", count: 101)] {
                #expect(
                    await code { _ = try await tokens.create(name: name, for: user, by: AccountFixture.actor) }
                        == .badValue)
            }
            for number in 0..<APITokens.maximumPerUser {
                _ = try await tokens.create(name: "token \(number)", for: user, by: AccountFixture.actor)
            }
            #expect(
                await code { _ = try await tokens.create(name: "more", for: user, by: AccountFixture.actor) }
                    == .tooMany)
            let first = try await tokens.list(of: user)[0]
            try await tokens.revoke(first.id, by: AccountFixture.actor)
            _ = try await tokens.create(name: "more", for: user, by: AccountFixture.actor)
        }
    }

    @Test("who shows nothing is nobody, which is no error")
    func nobody() async throws {
        try await withAccounts { fixture in
            let principal = try await fixture.accounts.authenticator.authenticate(.none)
            #expect(principal == nil)
        }
    }
}
