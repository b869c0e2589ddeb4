import Foundation
import GRDB
import Store
import Testing
import Timing

@testable import Accounts

struct UserTests {
    @Test("a user has what it was made with")
    func creation() async throws {
        try await withAccounts { fixture in
            let made = try await fixture.add("ada", role: .admin, tokens: 250)
            #expect(made.username.rawValue == "ada" && made.email.rawValue == "ada@example.com")
            #expect(made.role == .admin && made.isActive && made.tokens == 250 && !made.hasOneTimePassword)
            #expect(made.created == fixture.time.clock.date())
            #expect(try await fixture.users.find(made.id) == made)
            #expect(try await fixture.users.find(Username("ADA")) == made)
            #expect(try await fixture.users.find(EmailAddress("Ada@Example.COM")) == made)
        }
    }

    @Test(
        "names and addresses are unique, whatever their case",
        arguments: [
            ("Ada", "other@example.com", "username"), ("other", "ADA@EXAMPLE.COM", "email"),
        ])
    func uniqueness(name: String, email: String, field: String) async throws {
        try await withAccounts { fixture in
            try await fixture.add("ada")
            let second = NewUser(
                username: try Username(name), email: try EmailAddress(email), password: try Password("something else"))
            let error = await #expect(throws: AccountError.self) {
                try await fixture.users.create(second, by: AccountFixture.actor)
            }
            #expect(error?.code == .taken && error?.field == field)
            let third = try await fixture.add("eve")
            let changes = UserChanges(username: try Username(name), email: try EmailAddress(email))
            #expect(
                await code { try await fixture.users.update(third.id, changes, by: AccountFixture.actor) } == .taken)
            #expect(try await fixture.users.find(third.id) == third)
        }
    }

    @Test("pages follow one another without gaps or repetition")
    func paging() async throws {
        try await withAccounts { fixture in
            try await fixture.store.write { database in
                for number in 1...25 {
                    try database.execute(
                        sql: """
                            INSERT INTO accountUser (username, email, role, active, created, passwordHash, passwordState)
                            VALUES (?, ?, 'user', 1, 0, '', 'chosen')
                            """, arguments: ["user\(number)", "user\(number)@example.com"])
                }
            }
            for size in [1, 7, 25, 26, 1000] {
                var names: [String] = []
                var cursor: UserID?
                repeat {
                    let page = try await fixture.users.list(after: cursor, limit: PageLimit(size))
                    #expect(page.users.count <= size)
                    names += page.users.map(\.username.rawValue)
                    cursor = page.next
                } while cursor != nil
                #expect(names == (1...25).map { "user\($0)" })
            }
        }
    }

    @Test("a page of many users reads by index alone")
    func pagingIsIndexed() async throws {
        try await withAccounts { fixture in
            let plan = try await fixture.store.read { database in
                try String.fetchAll(
                    database,
                    sql:
                        "EXPLAIN QUERY PLAN SELECT \(User.columns) FROM accountUser WHERE id > 5 ORDER BY id LIMIT 9",
                    adapter: SuffixRowAdapter(fromIndex: 3))
            }
            #expect(plan.count == 3)
            #expect(plan.allSatisfy { !$0.contains("SCAN accountUser") && !$0.contains("SCAN ledgerEntry") })
            #expect(!plan.contains { $0.contains("TEMP B-TREE") })
        }
    }

    @Test("a change changes what it names and nothing else")
    func updating() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 7)
            let unchanged = try await fixture.users.update(user.id, UserChanges(), by: AccountFixture.actor)
            #expect(unchanged == user)
            var expected = user
            expected.email = try EmailAddress("lovelace@example.com")
            let changed = try await fixture.users.update(
                user.id, UserChanges(email: expected.email), by: AccountFixture.actor)
            #expect(changed == expected && changed.email.rawValue == "lovelace@example.com")
            // One's own name in another case is free.
            let renamed = try await fixture.users.update(
                user.id, UserChanges(username: Username("ADA")), by: AccountFixture.actor)
            #expect(renamed.username.rawValue == "ADA")
        }
    }

    @Test("the last active administrator can be neither deactivated nor demoted nor deleted")
    func lastAdministrator() async throws {
        try await withAccounts { fixture in
            let (users, actor) = (fixture.users, AccountFixture.actor)
            let first = try await fixture.add("first", role: .admin)
            let second = try await fixture.add("second", role: .admin)
            try await users.deactivate(second.id, by: actor)
            #expect(await code { try await users.deactivate(first.id, by: actor) } == .lastAdministrator)
            #expect(
                await code { try await users.update(first.id, .init(role: .user), by: actor) } == .lastAdministrator)
            #expect(await code { try await users.delete(first.id, by: actor) } == .lastAdministrator)
            #expect(try await users.find(first.id) == first)
            try await users.update(second.id, .init(isActive: true), by: actor)
            try await users.delete(first.id, by: actor)
            #expect(try await users.find(first.id) == nil)
        }
    }

    @Test("of administrators who remove each other at once, one stays")
    func mutualRemoval() async throws {
        try await withAccounts { fixture in
            var ids: [UserID] = []
            for number in 0..<8 { ids.append(try await fixture.add("admin\(number)", role: .admin).id) }
            let removed = await withTaskGroup(of: Bool.self) { group in
                for id in ids {
                    group.addTask { (try? await fixture.users.delete(id, by: AccountFixture.actor)) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(removed == 7)
        }
    }

    @Test("a deleted user's entries in the ledger stay, and nobody gets the id")
    func deletion() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 40)
            try await fixture.users.delete(user.id, by: AccountFixture.actor)
            #expect(try await fixture.ledger.entries(of: user.id).map(\.amount) == [40])
            let again = try await fixture.add()
            #expect(again.id > user.id && again.tokens == 0)
            #expect(await code { try await fixture.users.delete(user.id, by: AccountFixture.actor) } == .userNotFound)
        }
    }

    @Test("a node without an administrator makes one, whose password is good for one log-in")
    func bootstrap() async throws {
        try await withAccounts { fixture in
            try await fixture.add("admin")
            let first = try #require(try await fixture.users.bootstrap())
            #expect(first.username.rawValue == "admin2" && first.text.count == 23)
            #expect(!"\(first)".contains(first.text))
            // The next start gives another one.
            let password = try #require(try await fixture.users.bootstrap())
            #expect(password.username == first.username && password.text != first.text)
            #expect(await code { _ = try await fixture.logIn("admin2", first.text) } == .wrongCredentials)
            // Unless it is shown the one that was not used.
            #expect(try await fixture.users.bootstrap(previous: password.text)?.text == password.text)
            let other = try #require(try await fixture.users.bootstrap(previous: password.text)?.username)
            #expect(other == password.username)

            let entry = try await fixture.logIn("admin2", password.text)
            #expect(entry.user.hasOneTimePassword && entry.user.role == .admin)
            #expect(await code { _ = try await fixture.logIn("admin2", password.text) } == .wrongCredentials)
            #expect(
                try await fixture.store.read {
                    try String.fetchOne($0, sql: "SELECT passwordState FROM accountUser WHERE username = 'admin2'")
                } == "spent")

            let session = try await fixture.accounts.sessions.begin(for: entry)
            let proved = try await fixture.accounts.authenticator.authenticate(.session(session.id, csrf: .notNeeded))
            let principal = try #require(proved)
            #expect(principal.hasOneTimePassword)
            try await fixture.accounts.logIns.changePassword(
                of: principal, current: password.text, to: Password("my own choice"), from: AccountFixture.address)
            #expect(try await !fixture.logIn("admin2", "my own choice").user.hasOneTimePassword)
            #expect(try await fixture.users.bootstrap()?.username == nil)
        }
    }
}
