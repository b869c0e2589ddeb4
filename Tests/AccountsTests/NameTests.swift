import Testing

@testable import Accounts

struct NameTests {
    @Test(
        "these are usernames",
        arguments: [
            "a", "7", "user1", "Ada", "ada.lovelace", "ada_l", "a-b", "x.--_y", String(repeating: "a", count: 64),
        ])
    func goodUsernames(text: String) throws {
        #expect(try Username(text).rawValue == text)
    }

    @Test(
        "these are no usernames, whatever they look like",
        arguments: [
            "", " ", "ada ", " ada", "a b", ".ada", "ada.", "-ada", "ada-", "_", "ada@example.com", "ada/lovelace",
            "a\\b",
            "a\0", "a\n", "a\u{7F}", String(repeating: "a", count: 65),
            "\u{0430}da", "ad\u{0430}", "\u{FF41}da", "a\u{0301}da", "\u{E1}da", "a\u{200B}da", "a\u{200D}da",
            "\u{202E}ada", "\u{1D41A}da", "\u{13A}da", "ada\u{FE0F}", "\u{131}rene", "\u{212A}elvin", "\u{17F}am",
            "\u{661}\u{662}", "😀",
        ])
    func badUsernames(text: String) {
        let error = #expect(throws: AccountError.self) { try Username(text) }
        #expect(error?.code == .badValue && error?.field == "username")
    }

    @Test("nobody is called what the audit log calls somebody else", arguments: ["nobody", "NODE"])
    func reservedUsernames(name: String) async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add("ada")
            let errors = [
                await #expect(throws: AccountError.self) { try await fixture.add(name) },
                await #expect(throws: AccountError.self) {
                    try await fixture.users.update(
                        user.id, .init(username: Username(name)), by: AccountFixture.actor)
                },
            ]
            #expect(errors.allSatisfy { $0?.code == .badValue && $0?.field == "username" })
            #expect(try await fixture.users.find(user.id) == user)
            try await fixture.add(name + "s")
        }
    }

    @Test("usernames that differ in case alone are one")
    func usernameCase() throws {
        #expect(try Username("Ada") == Username("aDA"))
        #expect(try Set([Username("Ada"), Username("ada"), Username("eve")]).count == 2)
    }

    @Test(
        "these are e-mail addresses",
        arguments: [
            "user1@example.com", "a@b", "admin@localhost", "a.b+c@d-e.example", "o'neill@example.com", "1@2.3",
            "!#$%&'*+/=?^_`{|}~-@example.com", "x@xn--bcher-kva.example",
            String(repeating: "a", count: 64) + "@example.com",
        ])
    func goodAddresses(text: String) throws {
        #expect(try EmailAddress(text).rawValue == text)
    }

    @Test(
        "these are no e-mail addresses",
        arguments: [
            "", "@", "a", "a@", "@b", "a@b@c", "a b@example.com", "a@example.com ", "a@-b", "a@b-", "a@b..c", "a@.b",
            "a@b.",
            ".a@b", "a.@b", "a..b@c", "a@b_c", "\"a b\"@example.com", "a@[127.0.0.1]", "a@b\n", "a\0@b",
            "a@\u{0435}xample.com",
            "\u{FF41}@example.com", "a\u{FF20}b", "a@b\u{200B}", "ada <ada@example.com>", "a,b@example.com",
            String(repeating: "a", count: 65) + "@example.com", "a@" + String(repeating: "b", count: 64),
            "a@" + String(repeating: "b.", count: 130) + "c",
        ])
    func badAddresses(text: String) {
        let error = #expect(throws: AccountError.self) { try EmailAddress(text) }
        #expect(error?.code == .badValue && error?.field == "email")
    }

    @Test(
        "these are no passwords",
        arguments: [
            "", "short", "1234567", "with\0zero bytes", "with a\nnew line", String(repeating: "a", count: 1025),
            String(repeating: "é", count: 513),
        ])
    func badPasswords(text: String) {
        let error = #expect(throws: AccountError.self) { try Password(text) }
        #expect(error?.code == .badValue && error?.field == "password")
    }

    @Test(
        "a password may not be what everybody knows of its user",
        arguments: ["lovelace", "LoveLace", "lovelace@example.com"])
    func obviousPasswords(text: String) async throws {
        try await withAccounts { fixture in
            let new = NewUser(
                username: try Username("lovelace"), email: try EmailAddress("lovelace@example.com"),
                password: try Password(text))
            #expect(await code { _ = try await fixture.users.create(new, by: AccountFixture.actor) } == .badValue)
        }
    }

    @Test(
        "ids are read from decimal digits alone",
        arguments: ["", "0", "-1", "+1", "01", "1 ", "x", "9223372036854775808"])
    func badIDs(text: String) {
        #expect(UserID(text) == nil)
        #expect(UserID("9223372036854775807")?.rawValue == .max)
    }
}
