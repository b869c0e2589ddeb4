package import GRDB
import Timing

/// The same inside a transaction of the caller's on the ledger's own database, so that what runs for tokens and what it costs are
/// one story: both are written, or neither.
extension TokenLedger {
    /// As `reserve(_:of:key:reason:by:)`.
    package func reserve(
        _ amount: TokenAmount, of user: UserID, key: IdempotencyKey, reason: String, by actor: AuditActor? = nil,
        in database: Database
    ) throws -> Reservation {
        try Self.check(reason: reason)
        try actor?.principal?.confirm(in: database)
        guard try UserRow.find(user, database)?.user.isActive == true else {
            throw AccountError(.userNotFound, "there is no active user \(user)")
        }
        return Reservation(
            try Self.add(
                .reserve, -amount.rawValue, user: user, key: key.rawValue, reason: reason, at: clock.seconds,
                to: database))
    }

    /// As `settle(_:used:)`.
    @discardableResult
    package func settle(
        _ reservation: Int64, used: TokenAmount? = nil, in database: Database
    ) throws -> LedgerEntry {
        try close(reservation, as: .settle, in: database) { reserved in
            let used = used?.rawValue ?? reserved
            guard used <= reserved else {
                throw AccountError.badValue("tokens", "reservation \(reservation) is of \(reserved), not of \(used)")
            }
            return reserved - used
        }
    }

    /// As `refund(_:)`.
    @discardableResult
    package func refund(_ reservation: Int64, in database: Database) throws -> LedgerEntry {
        try close(reservation, as: .refund, in: database) { $0 }
    }

    /// As `openReservations()`.
    package func openReservations(in database: Database) throws -> [Reservation] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM ledgerEntry AS opened WHERE kind = 'reserve'
                    AND NOT EXISTS (SELECT 1 FROM ledgerEntry AS closed WHERE closed.reservation = opened.id)
                ORDER BY id
                """
        ).map { Reservation(try LedgerEntry($0)) }
    }

    private func close(
        _ id: Int64, as kind: LedgerEntry.Kind, in database: Database, givingBack share: (Int64) throws -> Int64
    ) throws -> LedgerEntry {
        guard
            let opened = try Row.fetchOne(
                database, sql: "SELECT * FROM ledgerEntry WHERE id = ? AND kind = 'reserve'", arguments: [id]
            ).map(LedgerEntry.init)
        else { throw AccountError(.reservationNotFound, "there is no reservation \(id)") }
        let amount = try share(-opened.amount)
        if let closed = try Row.fetchOne(
            database, sql: "SELECT * FROM ledgerEntry WHERE reservation = ?", arguments: [id]
        ).map(LedgerEntry.init) {
            guard closed.kind == kind, closed.amount == amount else {
                throw AccountError(
                    .reservationClosed, "reservation \(id) is closed: \(closed.kind.rawValue) of \(closed.amount)")
            }
            var repeated = closed
            repeated.isRepeated = true
            return repeated
        }
        return try Self.add(
            kind, amount, user: opened.user, reservation: id, reason: opened.reason, at: clock.seconds, to: database)
    }
}
