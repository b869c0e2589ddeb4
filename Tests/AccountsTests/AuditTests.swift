import Foundation
import GRDB
import Store
import Testing
import Timing

@testable import Accounts

struct AuditTests {
    @Test("everything that is done is recorded: who, what, whom, when, from where, and what became of it")
    func trail() async throws {
        try await withAccounts { fixture in
            let (accounts, actor) = (fixture.accounts, AccountFixture.actor)
            let user = try await fixture.add(tokens: 10).id
            try await fixture.users.update(user, .init(email: EmailAddress("new@example.com")), by: actor)
            try await accounts.ledger.grant(5, to: user, key: .random(), reason: "a gift", by: actor)
            _ = await code { try await accounts.ledger.grant(-50, to: user, key: .random(), reason: "", by: actor) }
            let token = try await accounts.apiTokens.create(name: "laptop", for: user, by: actor).token
            try await accounts.apiTokens.revoke(token.id, by: actor)
            _ = await code { _ = try await fixture.logIn("ada", "wrong horse") }
            let session = try await accounts.sessions.begin(for: fixture.logIn())
            let principal = try await accounts.authenticator.authenticate(.session(session.id, csrf: .notNeeded))
            try await accounts.authenticator.logOut(#require(principal), from: "192.0.2.1")
            try await fixture.users.deactivate(user, by: actor)
            try await fixture.users.delete(user, by: actor)

            let entries = try await accounts.audit.entries()
            let lines = entries.reversed().map { entry in
                "\(entry.actor) @\(entry.address ?? "-") \(entry.action) [\(entry.subject.description)] \(entry.outcome) "
                    + entry.details.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
            }
            #expect(
                lines == [
                    "node key @127.0.0.1 user.create [user 1 ada] done email=ada@example.com,role=user,tokens=10",
                    "node key @127.0.0.1 user.update [user 1 ada] done email=new@example.com",
                    "node key @127.0.0.1 ledger.grant [user 1 ada] done tokens=5,reason=a gift",
                    "node key @127.0.0.1 ledger.grant [user 1] refused tokens=-50,reason=,refusal=insufficientTokens",
                    "node key @127.0.0.1 api_token.create [api_token 1 laptop] done ",
                    "node key @127.0.0.1 api_token.revoke [api_token 1 laptop] done ",
                    "nobody @192.0.2.1 session.log_in [user 1 ada] refused refusal=wrongCredentials",
                    "ada @192.0.2.1 session.log_in [user 1 ada] done proof=password",
                    "ada @192.0.2.1 session.log_out [user 1 ada] done proof=session",
                    "node key @127.0.0.1 user.deactivate [user 1 ada] done active=false",
                    "node key @127.0.0.1 user.delete [user 1 ada] done ",
                ])
            #expect(entries.allSatisfy { $0.date == fixture.time.clock.date() })
            #expect(try await accounts.audit.entries(.init(actor: user)).count == 2)
            #expect(try await accounts.audit.entries(.init(subject: user)).count == 11)
        }
    }

    @Test("pages follow one another, the newest first")
    func paging() async throws {
        try await withAccounts { fixture in
            let audit = fixture.accounts.audit
            for number in 0..<10 {
                try await audit.record(AuditEvent(.node, AuditAction("test.count"), on: .thing("number", "\(number)")))
            }
            var names: [String] = []
            var cursor: Int64?
            while true {
                let page = try await audit.entries(before: cursor, limit: PageLimit(3))
                guard let last = page.last else { break }
                names += page.map(\.subject.description)
                cursor = last.id
            }
            #expect(names == (0..<10).reversed().map { "number \($0)" })
        }
    }

    @Test(
        "no statement changes what is there",
        arguments: [
            "UPDATE auditEntry SET actor = 'somebody else'", "DELETE FROM auditEntry",
            "DELETE FROM auditEntry WHERE id = 1",
            "INSERT OR REPLACE INTO auditEntry SELECT id, 0, 'x', NULL, 'x', 'x', NULL, NULL, 'done', '[]' FROM auditEntry WHERE id = 1",
            "INSERT INTO auditEntry VALUES (-5, 0, 'x', NULL, 'x', 'x', NULL, NULL, 'done', '[]')",
        ])
    func triggers(statement: String) async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let before = try await fixture.accounts.audit.entries()
            await #expect(throws: StoreError.self) { try await fixture.store.write { try $0.execute(sql: statement) } }
            #expect(try await fixture.accounts.audit.entries() == before && before.count == 1)
        }
    }

    @Test("what looks like a credential is struck out wherever text goes in")
    func secrets() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let token = try await fixture.accounts.apiTokens.create(name: "a", for: user, by: AccountFixture.actor).text
            let jwt = try await fixture.accounts.jwts.issue(for: fixture.logIn()).text
            let session = try await fixture.accounts.sessions.begin(for: fixture.logIn())
            let key = String(repeating: "0123456789abcdef", count: 4)
            let secrets = [token, String(token.dropFirst(4)), jwt, session.id, session.csrfToken, key]
            for secret in secrets {
                let text = "for \(secret), as agreed"
                try await fixture.accounts.audit.record(
                    AuditEvent(
                        .nobody(from: text), AuditAction("test.secret"), on: .thing("thing", text),
                        details: [.note("reason", text)]))
            }
            let entries = try await fixture.accounts.audit.entries(limit: PageLimit(secrets.count))
            for entry in entries {
                let text = "\(entry.subject.description) \(entry.address ?? "") \(entry.details[0].value)"
                #expect(text.contains("as agreed") && text.contains("struck out"))
                for secret in secrets + [jwt.split(separator: ".")[1], jwt.split(separator: ".")[2]].map(String.init) {
                    #expect(!text.contains(secret))
                }
            }
        }
    }

    @Test(
        "what people write stays readable",
        arguments: [
            "a gift for the workshop in May", "Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf",
            "styles/my-very-long-file-name-of-a-lora-2.safetensors",
            "2001:db8:1234:5678:9abc:def0:1234:5678", "naïve café", "", "1234567890123456789012345678901",
        ])
    func readable(text: String) {
        #expect(AuditDetail.redacted(text) == text)
    }

    private struct FileName: AuditedName {
        var description: String
    }

    @Test(
        "names that were checked are written as they are",
        arguments: [
            "My_LoRA-Watercolour_Sketches-SDXL_v2-Final_Release", String(repeating: "0123456789abcdef", count: 4),
        ])
    func names(text: String) async throws {
        try await withAccounts { fixture in
            let name = FileName(description: text + ".safetensors")
            try await fixture.accounts.audit.record(
                AuditEvent(
                    AccountFixture.actor, AuditAction("test.name"), on: .thing("file", name),
                    details: [.name("same_as", name)]))
            let entry = try #require(try await fixture.accounts.audit.entries().first)
            #expect(entry.subject.description == "file \(name)")
            #expect(entry.details.map(\.value) == [name.description])
        }
    }

    @Test("long text is cut, and control characters become spaces")
    func cutting() {
        #expect(AuditDetail.redacted("a\n\u{1B}[31mb") == "a  [31mb")
        #expect(AuditDetail.redacted(String(repeating: "a b ", count: 100_000)).count == 200)
    }
}
