/// `GET /admin/api/users/{id}/tokens`.
package struct LedgerBody: Codable, Sendable, Hashable {
    package struct Entry: Codable, Sendable, Hashable {
        package var id: Int
        package var kind: String
        package var amount: Int
        package var balance: Int
        @Nullable package var reservation: Int?
        package var reason: String
        package var createdAt: String

        package init(
            id: Int, kind: String, amount: Int, balance: Int, reservation: Int?, reason: String,
            createdAt: String
        ) {
            self.id = id
            self.kind = kind
            self.amount = amount
            self.balance = balance
            self.reservation = reservation
            self.reason = reason
            self.createdAt = createdAt
        }
    }

    package var balance: Int
    package var entries: [Entry]
    @Nullable package var next: Int?

    package init(
        balance: Int, entries: [Entry], next: Int?
    ) {
        self.balance = balance
        self.entries = entries
        self.next = next
    }
}

/// `POST /admin/api/users/{id}/tokens`.
package struct GrantBody: Codable, Sendable, Hashable {
    package var balance: Int
    package var entry: LedgerBody.Entry

    package init(
        balance: Int, entry: LedgerBody.Entry
    ) {
        self.balance = balance
        self.entry = entry
    }
}
