import Store
import Testing

@testable import Accounts

struct ConfirmationTests {
    /// What ends the right to go on with a request that has begun.
    enum Ending: String, CaseIterable, Sendable {
        case deactivated, reactivated, demoted, deleted, ended
    }

    private func end(_ principal: Principal, _ how: Ending, _ fixture: AccountFixture) async throws {
        let (users, user, actor) = (fixture.users, principal.user, AccountFixture.actor)
        switch how {
        case .deactivated: try await users.deactivate(user, by: actor)
        case .reactivated:
            try await users.deactivate(user, by: actor)
            try await users.update(user, .init(isActive: true), by: actor)
        case .demoted: try await users.update(user, .init(role: .user), by: actor)
        case .deleted: try await users.delete(user, by: actor)
        case .ended:
            if case .apiToken(let id) = principal.proof {
                try await fixture.accounts.apiTokens.revoke(id, by: actor)
            } else {
                try await fixture.accounts.authenticator.logOut(principal, from: nil)
            }
        }
    }

    @Test(
        "a request that began before its sender's rights ended changes nothing after it",
        arguments: AccountFixture.Proof.allCases, Ending.allCases)
    func lateWrites(proof: AccountFixture.Proof, ending: Ending) async throws {
        try await withAccounts { fixture in
            try await fixture.add("root", role: .admin)
            let ada = try await fixture.add(role: .admin, tokens: 10).id
            let eve = try await fixture.add("eve", tokens: 10)
            let principal = try await fixture.principal(proof)
            let actor = AuditActor.principal(principal, from: "192.0.2.1")
            let (accounts, store) = (fixture.accounts, fixture.store)
            try await accounts.authenticator.confirm(principal)
            try await accounts.audit.confirm(actor)
            try await end(principal, ending, fixture)
            let before = try await accounts.audit.entries(.init(actor: ada)).count

            let mallory = NewUser(
                username: try Username("mallory"), email: try EmailAddress("mallory@example.com"), role: .admin,
                password: try Password("let me in again"))
            let token = try await accounts.apiTokens.create(name: "x", for: eve.id, by: AccountFixture.actor).token
            let writes: [@Sendable () async throws -> Void] = [
                { _ = try await fixture.users.create(mallory, by: actor) },
                { try await fixture.users.update(eve.id, .init(role: .admin), by: actor) },
                { try await fixture.users.delete(eve.id, by: actor) },
                { _ = try await accounts.apiTokens.create(name: "mine", for: eve.id, by: actor) },
                { try await accounts.apiTokens.revoke(token.id, by: actor) },
                { try await fixture.ledger.grant(5, to: eve.id, key: .random(), reason: "", by: actor) },
            ]
            for write in writes { #expect(await code(write) == .revoked) }
            let reservation = { @Sendable () async throws -> Void in
                _ = try await fixture.ledger.reserve(
                    TokenAmount(1), of: eve.id, key: .random(), reason: "", by: actor)
            }
            let others: [@Sendable () async throws -> Void] = [
                reservation,
                { try await accounts.authenticator.confirm(principal) },
                { try await accounts.audit.confirm(actor) },
                { try await store.write { try accounts.authenticator.confirm(principal, in: $0) } },
                { try await store.write { try accounts.audit.confirm(actor, in: $0) } },
            ]
            for other in others { #expect(await code(other) == .revoked) }

            #expect(try await fixture.users.find(eve.id) == eve)
            #expect(try await fixture.users.find(mallory.username) == nil)
            #expect(try await accounts.apiTokens.list(of: eve.id).map(\.isActive) == [true])
            let refused = try await accounts.audit.entries(.init(actor: ada))
            #expect(refused.count == before + writes.count)
            for entry in refused.prefix(writes.count) {
                #expect(entry.outcome == .refused)
                #expect(entry.details.contains { $0.name == "refusal" && $0.value == "revoked" })
            }
        }
    }

    @Test("another password ends sessions and JWTs and not API tokens", arguments: AccountFixture.Proof.allCases)
    func anotherPassword(proof: AccountFixture.Proof) async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let principal = try await fixture.principal(proof)
            try await fixture.users.update(user, .init(password: Password("another one")), by: AccountFixture.actor)
            #expect(
                await code { try await fixture.accounts.authenticator.confirm(principal) }
                    == (proof == .apiToken ? nil : .revoked))
        }
    }

    @Test(
        "the audit log says how the actor proved to be a user",
        arguments: zip(AccountFixture.Proof.allCases, ["session", "api_token 1", "jwt"]))
    func proofs(proof: AccountFixture.Proof, text: String) async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(role: .admin)
            let principal = try await fixture.principal(proof)
            try await fixture.users.update(
                user.id, .init(email: EmailAddress("new@example.com")), by: .principal(principal, from: nil))
            let entry = try #require(try await fixture.accounts.audit.entries(limit: PageLimit(1)).first)
            #expect(entry.details.filter { $0.name == "proof" }.map(\.value) == [text])
            let logIn = try await fixture.accounts.audit.entries(.init(actor: user.id)).last
            #expect(logIn?.action == .logIn)
            #expect(logIn?.details.filter { $0.name == "proof" }.map(\.value) == ["password"])
        }
    }
}
