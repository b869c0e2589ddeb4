internal import GRDB
internal import Store

/// What a check of the whole ledger found.
package struct LedgerCheck: Sendable, Hashable {
    package var entries: Int
    package var users: Int
    /// The sum over all users.
    package var total: Int64
    /// Up to a hundred sentences, each about one entry that contradicts the others; empty when all is well.
    package var faults: [String]

    package var isSound: Bool { faults.isEmpty }
}

extension TokenLedger {
    private static let maximumFaults = 100

    /// Adds everything up again: whether each balance is the sum of the entries before it and never negative, and each reservation is
    /// closed at most once, with no more than it held. Call it at start: triggers guard against mistakes of programs, not against
    /// damaged disks and hands that edit the file.
    package func verify() async throws -> LedgerCheck {
        try await store.read { database in
            var faults: [String] = []
            let wrongSums = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id, user, balance, total FROM (
                        SELECT id, user, balance, SUM(amount) OVER (PARTITION BY user ORDER BY id) AS total
                        FROM ledgerEntry)
                    WHERE balance <> total OR balance < 0 ORDER BY id LIMIT \(Self.maximumFaults)
                    """)
            while let row = try wrongSums.next() {
                faults.append(
                    "entry \(row["id"] as Int64) leaves user \(row["user"] as Int64) a balance of "
                        + "\(row["balance"] as Int64); the entries add up to \(row["total"] as Int64)")
            }
            let wrongClosings = try Row.fetchCursor(
                database,
                sql: """
                    SELECT closed.id, closed.reservation FROM ledgerEntry AS closed
                        LEFT JOIN ledgerEntry AS opened
                        ON opened.id = closed.reservation AND opened.kind = 'reserve' AND opened.user = closed.user
                    WHERE closed.kind IN ('settle', 'refund') AND (
                        opened.id IS NULL OR opened.id > closed.id OR closed.amount > -opened.amount
                        OR (closed.kind = 'refund' AND closed.amount <> -opened.amount))
                    ORDER BY closed.id LIMIT \(Self.maximumFaults)
                    """)
            while let row = try wrongClosings.next() {
                faults.append(
                    "entry \(row["id"] as Int64) gives back what reservation \(row["reservation"] as Int64? ?? 0) "
                        + "did not hold")
            }
            let sums = try Row.fetchOne(
                database,
                sql: "SELECT COUNT(*) AS entries, COUNT(DISTINCT user) AS users, COALESCE(SUM(amount), 0) AS total"
                    + " FROM ledgerEntry")
            return LedgerCheck(
                entries: sums?["entries"] ?? 0, users: sums?["users"] ?? 0, total: sums?["total"] ?? 0,
                faults: Array(faults.prefix(Self.maximumFaults)))
        }
    }
}
