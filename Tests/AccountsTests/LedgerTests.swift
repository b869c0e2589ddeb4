import Foundation
import GRDB
import Store
import Testing

@testable import Accounts

struct LedgerTests {
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
}
