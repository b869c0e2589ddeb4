internal import GRDB

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What makes asking twice the same as asking once: 1 to 200 visible ASCII characters, unique for a user.
package struct IdempotencyKey: Hashable, Sendable, CustomStringConvertible {
    package static let maximumLength = 200

    package let rawValue: String

    package init(_ text: String) throws(AccountError) {
        guard (1...Self.maximumLength).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw .badValue("idempotency_key", "takes 1 to \(Self.maximumLength) visible ASCII characters")
        }
        rawValue = text
    }

    private init(made: String) { rawValue = made }

    /// The key of the balance that a user begins with: one that no client can send, because of the space.
    static let opening = IdempotencyKey(made: "opening balance")

    /// A key that nothing else has.
    package static func random() -> IdempotencyKey { IdempotencyKey(made: UUID().uuidString) }

    package var description: String { rawValue }
}

/// One line of the ledger.
package struct LedgerEntry: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        /// Tokens given or, with a negative amount, taken.
        case grant
        /// Tokens set aside for something that runs.
        case reserve
        /// What ran is done; gives back what was reserved and not used.
        case settle
        /// What ran failed; gives everything back.
        case refund
    }

    package let id: Int64
    package let user: UserID
    package let kind: Kind
    /// What the balance changed by.
    package let amount: Int64
    /// The balance afterwards.
    package let balance: Int64
    /// Of grants and reservations.
    package let key: String?
    /// The entry that a settlement or refund closes.
    package let reservation: Int64?
    package let reason: String
    package let date: Date
    /// Whether the entry was there already, because the same was asked before.
    package var isRepeated = false

    init(_ row: Row) throws {
        guard let kind = Kind(rawValue: row["kind"]) else {
            throw AccountError(.damaged, "entry \(row["id"] as Int64) of the ledger cannot be read; restore a backup")
        }
        id = row["id"]
        user = UserID(stored: row["user"])
        self.kind = kind
        amount = row["amount"]
        balance = row["balance"]
        key = row["key"]
        reservation = row["reservation"]
        reason = row["reason"]
        date = Date(timeIntervalSince1970: row["at"])
    }
}

/// Tokens that are set aside for something that runs; settle or refund it once.
package struct Reservation: Sendable, Hashable {
    package let id: Int64
    package let user: UserID
    package let amount: TokenAmount
    package let key: String
    /// What it is for.
    package let reason: String
    package let date: Date
    /// The balance that remained.
    package let balance: Int64
    /// Whether the same was reserved before under this key: then nothing new was set aside, and nothing new should start.
    package let isRepeated: Bool

    init(_ entry: LedgerEntry) {
        id = entry.id
        user = entry.user
        amount = TokenAmount(stored: -entry.amount)
        key = entry.key ?? ""
        reason = entry.reason
        date = entry.date
        balance = entry.balance
        isRepeated = entry.isRepeated
    }
}
