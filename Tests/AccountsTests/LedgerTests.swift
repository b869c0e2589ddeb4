import Foundation
import GRDB
import ShoalTestSupport
import Store
import Testing

@testable import Accounts

struct LedgerTests {
    private static let actor = AccountFixture.actor

    @Test("of a thousand reservations of 100 at once, a balance of 1000 admits exactly ten")
    func concurrentReservations() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 1000)
            // Another process, as far as the database knows.
            let other = try TokenLedger(store: Store(path: fixture.path), clock: fixture.time.clock)
            let outcomes = await withTaskGroup(of: AccountError.Code?.self) { group in
                for number in 0..<1000 {
                    let ledger = number.isMultiple(of: 2) ? fixture.ledger : other
                    group.addTask {
                        await code {
                            _ = try await ledger.reserve(
                                TokenAmount(100), of: user.id, key: IdempotencyKey("train-\(number)"), reason: "train")
                        }
                    }
                }
                return await group.reduce(into: [AccountError.Code?: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes == [nil: 10, .insufficientTokens: 990])
            #expect(try await fixture.ledger.balance(of: user.id) == 0)
            #expect(try await fixture.ledger.openReservations().count == 10)
            #expect(try await fixture.ledger.verify().isSound)
        }
    }

    @Test("the balance to begin with has a key that no client can send")
    func openingKey() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 10).id
            let opening = try #require(try await fixture.ledger.entries(of: user).first?.key)
            #expect(throws: AccountError.self) { try IdempotencyKey(opening) }
            for key in ["first", "opening", opening.replacing(" ", with: "_")] {
                let entry = try await fixture.ledger.grant(
                    10, to: user, key: IdempotencyKey(key), reason: "", by: Self.actor)
                #expect(!entry.isRepeated)
            }
            #expect(try await fixture.ledger.balance(of: user) == 40)
        }
    }

    @Test("a settled reservation costs what was used, a refunded one nothing")
    func closing() async throws {
        try await withAccounts { fixture in
            let ledger = fixture.ledger
            let user = try await fixture.add(tokens: 1000).id
            let all = try await ledger.reserve(TokenAmount(100), of: user, key: .random(), reason: "a")
            let part = try await ledger.reserve(TokenAmount(100), of: user, key: .random(), reason: "b")
            let none = try await ledger.reserve(TokenAmount(100), of: user, key: .random(), reason: "c")
            let free = try await ledger.reserve(.zero, of: user, key: .random(), reason: "d")
            #expect(none.balance == 700 && free.balance == 700 && !free.isRepeated)
            #expect(try await ledger.openReservations() == [all, part, none, free])
            #expect(try await ledger.settle(all.id).balance == 700)
            #expect(try await ledger.settle(part.id, used: TokenAmount(30)).balance == 770)
            #expect(try await ledger.refund(none.id).balance == 870)
            #expect(try await ledger.settle(free.id).balance == 870)
            #expect(try await ledger.openReservations().isEmpty)
            let entries = try await ledger.entries(of: user)
            #expect(entries.map(\.amount) == [0, 100, 70, 0, 0, -100, -100, -100, 1000])
            #expect(try await fixture.users.find(user)?.tokens == 870)
        }
    }

    @Test("what is asked twice happens once")
    func idempotency() async throws {
        try await withAccounts { fixture in
            let ledger = fixture.ledger
            let user = try await fixture.add(tokens: 100).id
            let key = try IdempotencyKey("job-1")
            let first = try await ledger.reserve(TokenAmount(60), of: user, key: key, reason: "job")
            let second = try await ledger.reserve(TokenAmount(60), of: user, key: key, reason: "job")
            #expect(second.id == first.id && second.isRepeated && !first.isRepeated && second.balance == 40)
            #expect(
                await code { _ = try await ledger.reserve(TokenAmount(59), of: user, key: key, reason: "") }
                    == .keyReused)
            #expect(
                await code { try await ledger.grant(60, to: user, key: key, reason: "", by: Self.actor) } == .keyReused)

            let settled = try await ledger.settle(first.id, used: TokenAmount(20))
            let again = try await ledger.settle(first.id, used: TokenAmount(20))
            #expect(again.id == settled.id && again.isRepeated && again.balance == 80)
            #expect(await code { try await ledger.settle(first.id) } == .reservationClosed)
            #expect(await code { try await ledger.refund(first.id) } == .reservationClosed)
            // A closed reservation is still what its key stands for.
            #expect(try await ledger.reserve(TokenAmount(60), of: user, key: key, reason: "job").isRepeated)

            let other = try await fixture.add("eve", tokens: 60).id
            #expect(try await !ledger.reserve(TokenAmount(60), of: other, key: key, reason: "job").isRepeated)
            let grant = try IdempotencyKey("gift")
            for _ in 0..<3 { try await ledger.grant(5, to: user, key: grant, reason: "gift", by: Self.actor) }
            #expect(try await ledger.balance(of: user) == 85)
        }
    }

    @Test("one key at once by many makes one reservation")
    func concurrentKey() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(tokens: 1000).id
            let reservations = try await withThrowingTaskGroup(of: Reservation.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await fixture.ledger.reserve(
                            TokenAmount(100), of: user, key: IdempotencyKey("same"), reason: "job")
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(reservations.map(\.id)).count == 1)
            #expect(reservations.filter { !$0.isRepeated }.count == 1)
            #expect(try await fixture.ledger.balance(of: user) == 900)
        }
    }

    @Test("what cannot be is refused and changes nothing")
    func refusals() async throws {
        try await withAccounts { fixture in
            let ledger = fixture.ledger
            let user = try await fixture.add(tokens: 10).id
            let nobody = try #require(UserID(99))
            func grant(_ amount: Int64, to user: UserID, reason: String = "") async -> AccountError.Code? {
                await code { try await ledger.grant(amount, to: user, key: .random(), reason: reason, by: Self.actor) }
            }
            #expect(await grant(0, to: user) == .badValue)
            #expect(await grant(-11, to: user) == .insufficientTokens)
            #expect(await grant(TokenAmount.largest, to: user) == .badValue)
            #expect(await grant(.max, to: user) == .badValue)
            #expect(await grant(.min, to: user) == .badValue)
            #expect(await grant(1, to: nobody) == .userNotFound)
            #expect(await grant(1, to: user, reason: "a\nb") == .badValue)
            #expect(await grant(1, to: user, reason: String(repeating: "a", count: 201)) == .badValue)
            let amount = try TokenAmount(1)
            #expect(
                await code { _ = try await ledger.reserve(amount, of: nobody, key: .random(), reason: "") }
                    == .userNotFound)
            #expect(await code { try await ledger.settle(1) } == .reservationNotFound)
            #expect(await code { try await ledger.refund(.max) } == .reservationNotFound)
            let reservation = try await ledger.reserve(amount, of: user, key: .random(), reason: "")
            #expect(await code { try await ledger.settle(reservation.id, used: TokenAmount(2)) } == .badValue)
            try await fixture.users.deactivate(user, by: Self.actor)
            #expect(
                await code { _ = try await ledger.reserve(amount, of: user, key: .random(), reason: "") }
                    == .userNotFound)
            // What began before may end.
            try await ledger.refund(reservation.id)
            #expect(try await ledger.balance(of: user) == 10)
        }
    }

    @Test("no grant takes the room that what is set aside needs when it comes back")
    func roomForRefunds() async throws {
        try await withAccounts { fixture in
            let ledger = fixture.ledger
            let user = try await fixture.add(tokens: 300).id
            let other = try await fixture.add("eve", tokens: 100).id
            var open: [Reservation] = []
            for _ in 0..<3 {
                open.append(try await ledger.reserve(TokenAmount(100), of: user, key: .random(), reason: "job"))
            }
            // What is closed, and what others set aside, takes no room.
            try await ledger.settle(open.removeLast().id)
            _ = try await ledger.reserve(TokenAmount(100), of: other, key: .random(), reason: "job")
            func grant(_ amount: Int64) async -> AccountError? {
                do {
                    try await ledger.grant(amount, to: user, key: .random(), reason: "", by: Self.actor)
                    return nil
                } catch { return error as? AccountError }
            }
            let refusal = try #require(await grant(TokenAmount.largest - 199))
            #expect(refusal.code == .badValue && refusal.field == "tokens")
            #expect(refusal.message.contains("200 tokens that are set aside"))
            #expect(try await ledger.balance(of: user) == 0)
            #expect(await grant(TokenAmount.largest - 200) == nil)
            #expect(await grant(1)?.code == .badValue)
            #expect(await grant(-1) == nil)
            #expect(await grant(1) == nil)
            for reservation in open { try await ledger.refund(reservation.id) }
            #expect(try await ledger.balance(of: user) == TokenAmount.largest)
            #expect(try await ledger.verify().isSound)
        }
    }

    @Test("amounts and keys have their bounds", arguments: [Int64.min, -1, TokenAmount.largest + 1, .max])
    func bounds(amount: Int64) {
        #expect(throws: AccountError.self) { try TokenAmount(amount) }
        for key in ["", " ", "a b", "ä", "a\n", String(repeating: "a", count: 201)] {
            #expect(throws: AccountError.self) { try IdempotencyKey(key) }
        }
    }

    @Test(
        "whatever happens in whatever order, balances are the sums, and never negative",
        arguments: 1...6 as ClosedRange<UInt64>)
    func interleavings(seed: UInt64) async throws {
        try await withAccounts { fixture in
            var users: [UserID] = []
            for number in 0..<3 { users.append(try await fixture.add("user\(number)", tokens: 300).id) }
            let ledgers = [
                fixture.ledger, try TokenLedger(store: Store(path: fixture.path), clock: fixture.time.clock),
            ]
            let made = try await withThrowingTaskGroup(of: [UserID: Int64].self) { group in
                for worker in 0..<6 {
                    let ledger = ledgers[worker % 2]
                    group.addTask { [users] in
                        var random = SeededRandom(seed: seed &* 1000 &+ UInt64(worker))
                        return try await Self.work(on: ledger, users, worker: worker, &random)
                    }
                }
                return try await group.reduce(into: [UserID: Int64]()) { $0.merge($1, uniquingKeysWith: +) }
            }
            for user in users {
                #expect(try await fixture.ledger.balance(of: user) == 300 + (made[user] ?? 0), "seed \(seed)")
            }
            let check = try await fixture.ledger.verify()
            #expect(check.isSound && check.total == 900 + made.values.reduce(0, +), "seed \(seed)")
        }
    }

    /// Does sixty things at random; returns what each user's balance should have changed by.
    private static func work(
        on ledger: TokenLedger, _ users: [UserID], worker: Int, _ random: inout SeededRandom
    ) async throws -> [UserID: Int64] {
        var sums: [UserID: Int64] = [:]
        var open: [Reservation] = []
        for step in 0..<60 {
            let user = users[Int.random(in: 0..<users.count, using: &random)]
            let amount = Int64.random(in: 1...150, using: &random)
            let choice = Int.random(in: 0..<6, using: &random)
            do {
                switch choice {
                case 0...2:
                    let reservation = try await ledger.reserve(
                        TokenAmount(amount), of: user, key: IdempotencyKey("\(worker)-\(step)"), reason: "work")
                    open.append(reservation)
                    sums[user, default: 0] -= amount
                case 3:
                    let change = Bool.random(using: &random) ? amount / 3 : -amount
                    guard change != 0 else { continue }
                    try await ledger.grant(
                        change, to: user, key: IdempotencyKey("\(worker)-\(step)"), reason: "", by: actor)
                    sums[user, default: 0] += change
                default:
                    guard let reservation = open.popLast() else { continue }
                    let used = Int64.random(in: 0...reservation.amount.rawValue, using: &random)
                    if choice == 4 {
                        sums[reservation.user, default: 0] += reservation.amount.rawValue
                        try await ledger.refund(reservation.id)
                    } else {
                        sums[reservation.user, default: 0] += reservation.amount.rawValue - used
                        try await ledger.settle(reservation.id, used: TokenAmount(used))
                    }
                }
            } catch let error as AccountError where error.code == .insufficientTokens {}
        }
        return sums
    }
}
