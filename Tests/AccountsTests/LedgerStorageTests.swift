import Foundation
import GRDB
import Store
import Testing

@testable import Accounts

/// What the database holds against mistakes, damage and sudden death.
struct LedgerStorageTests {
    private static let entry = "INSERT INTO ledgerEntry (id, user, kind, amount, balance, key, reservation, reason, at)"

    /// A ledger with a grant of 1000 (entry 1), an open reservation of 100 (2), and a reservation of 50 (3) that is settled (4).
    private func withLedger(_ body: (AccountFixture, UserID) async throws -> Void) async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 1000).id
            _ = try await fixture.ledger.reserve(TokenAmount(100), of: user, key: IdempotencyKey("a"), reason: "")
            let second = try await fixture.ledger.reserve(
                TokenAmount(50), of: user, key: IdempotencyKey("b"), reason: "")
            try await fixture.ledger.settle(second.id)
            try await body(fixture, user)
        }
    }

    @Test(
        "no statement changes what is there, or adds what does not follow from it",
        arguments: [
            "UPDATE ledgerEntry SET amount = 5000, balance = 5000 WHERE id = 1",
            "UPDATE ledgerEntry SET reason = 'another'",
            "DELETE FROM ledgerEntry WHERE id = 4",
            "DELETE FROM ledgerEntry",
            "INSERT OR REPLACE INTO ledgerEntry SELECT id, user, kind, 5000, 5000, key, reservation, reason, at FROM ledgerEntry WHERE id = 1",
            "INSERT OR REPLACE INTO ledgerEntry SELECT NULL, user, kind, amount, balance, key, reservation, reason, at FROM ledgerEntry WHERE id = 1",
            "INSERT OR REPLACE INTO ledgerEntry SELECT id, user, kind, amount, balance, key, reservation, 'another', at FROM ledgerEntry WHERE id = 4",
            "INSERT OR REPLACE INTO ledgerEntry VALUES (NULL, 1, 'grant', 1000, 1850, 'opening balance', NULL, '', 0)",
            "INSERT OR REPLACE INTO ledgerEntry VALUES (NULL, 1, 'settle', 0, 850, NULL, 3, '', 0)",
            "\(entry) VALUES (NULL, 1, 'grant', 100, 851, 'x', NULL, '', 0)",
            "\(entry) VALUES (NULL, 1, 'grant', 100, 100, 'x', NULL, '', 0)",
            "\(entry) VALUES (NULL, 1, 'reserve', -900, -50, 'x', NULL, '', 0)",
            "\(entry) VALUES (NULL, 1, 'reserve', 50, 900, 'x', NULL, '', 0)",
            "\(entry) VALUES (NULL, 1, 'gift', 50, 900, 'x', NULL, '', 0)",
            "\(entry) VALUES (NULL, 1, 'grant', 50, 900, NULL, NULL, '', 0)",
            "\(entry) VALUES (NULL, 1, 'grant', 50, 900, 'a', NULL, '', 0)",
            "\(entry) VALUES (0, 1, 'grant', 50, 900, 'x', NULL, '', 0)",
            "\(entry) VALUES (-5, 1, 'grant', 50, 900, 'x', NULL, '', 0)",
            "\(entry) VALUES (NULL, 1, 'refund', 50, 900, NULL, 2, '', 0)",
            "\(entry) VALUES (NULL, 1, 'settle', 101, 951, NULL, 2, '', 0)",
            "\(entry) VALUES (NULL, 1, 'refund', 50, 900, NULL, 3, '', 0)",
            "\(entry) VALUES (NULL, 1, 'settle', 0, 850, NULL, 1, '', 0)",
            "\(entry) VALUES (NULL, 2, 'refund', 100, 100, NULL, 2, '', 0)",
            "\(entry) VALUES (NULL, 1, 'refund', 100, 950, NULL, 99, '', 0)",
        ])
    func triggers(statement: String) async throws {
        try await withLedger { fixture, user in
            let before = try await fixture.ledger.entries(of: user)
            await #expect(throws: StoreError.self) { try await fixture.store.write { try $0.execute(sql: statement) } }
            #expect(try await fixture.ledger.entries(of: user) == before && before.count == 4)
            #expect(try await fixture.ledger.verify() == LedgerCheck(entries: 4, users: 1, total: 850, faults: []))
        }
    }

    @Test("a statement of the right form is accepted, so that the refusals above mean something")
    func rightForm() async throws {
        try await withLedger { fixture, user in
            try await fixture.store.write { database in
                try database.execute(sql: "\(Self.entry) VALUES (NULL, 1, 'grant', 100, 950, 'x', NULL, '', 0)")
                try database.execute(sql: "\(Self.entry) VALUES (NULL, 1, 'refund', 100, 1050, NULL, 2, '', 0)")
            }
            #expect(try await fixture.ledger.balance(of: user) == 1050)
        }
    }

    @Test(
        "hands that edit the file are found out",
        arguments: [
            "UPDATE ledgerEntry SET amount = 1001 WHERE id = 1",
            "UPDATE ledgerEntry SET balance = 851 WHERE id = 4",
            "DELETE FROM ledgerEntry WHERE id = 1",
            "DELETE FROM ledgerEntry WHERE id = 2",
            "UPDATE ledgerEntry SET user = 2 WHERE id = 3",
            "UPDATE ledgerEntry SET reservation = 1 WHERE id = 4",
        ])
    func damage(statement: String) async throws {
        try await withLedger { fixture, _ in
            try await fixture.store.write { database in
                for trigger in ["Stays", "Holds", "IsNew", "Adds", "IsLast", "Closes"] {
                    try database.execute(sql: "DROP TRIGGER ledgerEntry\(trigger)")
                }
                try database.execute(sql: statement)
            }
            let check = try await fixture.ledger.verify()
            #expect(!check.isSound && check.faults.allSatisfy { $0.hasPrefix("entry ") })
        }
    }

    @Test("a copy of the files, taken at any moment, is a sound ledger with its reservations open")
    func copies() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 1000).id
            for number in 1...5 {
                _ = try await fixture.ledger.reserve(
                    TokenAmount(100), of: user, key: IdempotencyKey("\(number)"), reason: "job \(number)")
                // What a power cut would leave: the files as they are, with the store still open.
                let copy = fixture.root + "/copy\(number)"
                try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
                for suffix in ["", "-wal"] {
                    try FileManager.default.copyItem(
                        atPath: fixture.path + suffix, toPath: copy + "/shoal.sqlite" + suffix)
                }
                let revived = try TokenLedger(store: Store(path: copy + "/shoal.sqlite"), clock: fixture.time.clock)
                #expect(try await revived.verify().isSound)
                let open = try await revived.openReservations()
                #expect(open.map(\.reason) == (1...number).map { "job \($0)" })
                for reservation in open { try await revived.refund(reservation.id) }
                #expect(try await revived.balance(of: user) == 1000)
                #expect(try await revived.openReservations().isEmpty)
            }
        }
    }

    @Test("a process that is killed while it reserves leaves a sound ledger; what it was told stays")
    func killed() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 1000).id
            let (path, id) = (fixture.path, user.rawValue)
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, id = id as Int64] in
                let store = try Store(path: path)
                let ledger = try TokenLedger(store: store)
                let user = try #require(UserID(id))
                for number in 0..<3 {
                    _ = try await ledger.reserve(
                        TokenAmount(100), of: user, key: IdempotencyKey("child-\(number)"), reason: "train")
                }
                try await store.write { database in
                    _ = try TokenLedger.add(.reserve, -100, user: user, key: "half", reason: "", at: 0, to: database)
                    kill(getpid(), SIGKILL)
                }
            }
            let revived = try TokenLedger(store: Store(path: fixture.path), clock: fixture.time.clock)
            #expect(try await revived.verify().isSound)
            #expect(try await revived.balance(of: user) == 700)
            #expect(try await revived.openReservations().map(\.key) == ["child-0", "child-1", "child-2"])
        }
    }
}
