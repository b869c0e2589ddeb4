internal import GRDB
package import Store
package import Timing

/// Who has how many tokens, as a list of entries that only grows.
///
/// A balance is the sum of its user's entries and never negative: every call is one transaction of the one writer that the database
/// admits, over all processes, with its checks inside; triggers hold the rest to it. What runs for tokens reserves them first, and
/// settles or refunds the reservation when it ends; `openReservations()` finds those of a process that was killed. Besides
/// `AccountError`, calls throw `StoreError` where the database fails.
package final class TokenLedger: Sendable {
    /// Most characters of a reason.
    package static let maximumReasonLength = 200

    let store: Store
    let clock: NodeClock

    package init(store: Store, clock: NodeClock = .system) throws {
        try AccountSchema.prepare(store)
        self.store = store
        self.clock = clock
    }

    // MARK: Changing

    /// Gives tokens to a user, or takes them where `amount` is negative.
    ///
    /// - Parameter actor: who grants; the audit log says so.
    /// - Returns: the entry; the one that is there when the same was granted under this key before.
    /// - Throws: `userNotFound`, `insufficientTokens` where more is taken than there is, `badValue` where the amount is out of range, or
    ///   the balance would be, also once all that is set aside is given back; `keyReused`.
    @discardableResult
    package func grant(
        _ amount: Int64, to user: UserID, key: IdempotencyKey, reason: String, by actor: AuditActor
    ) async throws -> LedgerEntry {
        guard amount != 0, abs(amount.clamped) <= TokenAmount.largest else {
            throw AccountError.badValue("tokens", "is a whole number other than 0, up to \(TokenAmount.largest)")
        }
        try Self.check(reason: reason)
        let now = clock.seconds
        let event = AuditEvent(
            actor, .grantTokens, on: .user(user, nil), details: [.tokens(amount), .note("reason", reason)])
        return try await AuditLog.write(event, in: store, clock: clock) { database in
            let row = try UserRow.fetch(user, database)
            let entry = try Self.add(
                .grant, amount, user: user, key: key.rawValue, reason: reason, at: now, to: database)
            return (entry, entry.isRepeated ? nil : event.about(.user(user, row.user.username)))
        }
    }

    /// Sets tokens of a user aside.
    ///
    /// - Parameter actor: who asks for what the tokens are for.
    /// - Returns: the reservation; the one that is there (`isRepeated`) when the same was reserved under this key before, whatever
    ///   became of it.
    /// - Throws: `insufficientTokens`, `userNotFound` also for a deactivated user, `keyReused` where the key was used for something
    ///   else, `revoked` where what proved the actor has been ended meanwhile.
    package func reserve(
        _ amount: TokenAmount, of user: UserID, key: IdempotencyKey, reason: String, by actor: AuditActor? = nil
    ) async throws -> Reservation {
        try await store.write { [self] in
            try reserve(amount, of: user, key: key, reason: reason, by: actor, in: $0)
        }
    }

    /// Closes a reservation after success.
    ///
    /// - Parameter used: what it cost, at most what was reserved; the rest goes back. All of it where nil.
    /// - Throws: `reservationNotFound`; `reservationClosed` where it was refunded, or settled for another amount.
    @discardableResult
    package func settle(_ reservation: Int64, used: TokenAmount? = nil) async throws -> LedgerEntry {
        try await store.write { [self] in try settle(reservation, used: used, in: $0) }
    }

    /// Gives all of a reservation back.
    ///
    /// - Throws: `reservationNotFound`; `reservationClosed` where it was settled.
    @discardableResult
    package func refund(_ reservation: Int64) async throws -> LedgerEntry {
        try await store.write { [self] in try refund(reservation, in: $0) }
    }

    // MARK: Reading

    /// What a user has; 0 for one who never had any.
    package func balance(of user: UserID) async throws -> Int64 {
        try await store.read { try Self.balance(of: user, $0) }
    }

    /// Entries of a user, the newest first.
    ///
    /// - Parameter before: an entry's id; only older ones are returned.
    package func entries(of user: UserID, before: Int64? = nil, limit: PageLimit = .standard) async throws
        -> [LedgerEntry]
    {
        try await store.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM ledgerEntry WHERE user = ? AND id < ? ORDER BY id DESC LIMIT ?",
                arguments: [user.rawValue, before ?? .max, limit.rawValue]
            ).map(LedgerEntry.init)
        }
    }

    /// Reservations that were neither settled nor refunded, the oldest first. At start these are what a process that was killed left
    /// behind: refund those whose work is not done.
    package func openReservations() async throws -> [Reservation] {
        try await store.read { [self] in try openReservations(in: $0) }
    }

    // MARK: Inside a transaction

    static func balance(of user: UserID, _ database: Database) throws -> Int64 {
        try Int64.fetchOne(
            database, sql: "SELECT balance FROM ledgerEntry WHERE user = ? ORDER BY id DESC LIMIT 1",
            arguments: [user.rawValue]) ?? 0
    }

    /// What open reservations of a user hold.
    private static func reserved(of user: UserID, _ database: Database) throws -> Int64 {
        try Int64.fetchOne(
            database,
            sql: """
                SELECT COALESCE(SUM(-amount), 0) FROM ledgerEntry AS opened WHERE user = ? AND kind = 'reserve'
                    AND NOT EXISTS (SELECT 1 FROM ledgerEntry AS closed WHERE closed.reservation = opened.id)
                """,
            arguments: [user.rawValue]) ?? 0
    }

    /// Appends an entry, or finds the one that has its key.
    static func add(
        _ kind: LedgerEntry.Kind, _ amount: Int64, user: UserID, key: String? = nil, reservation: Int64? = nil,
        reason: String, at now: Double, to database: Database
    ) throws -> LedgerEntry {
        if let key,
            var earlier = try Row.fetchOne(
                database, sql: "SELECT * FROM ledgerEntry WHERE user = ? AND key = ?", arguments: [user.rawValue, key]
            ).map(LedgerEntry.init)
        {
            guard earlier.kind == kind, earlier.amount == amount else {
                throw AccountError(
                    .keyReused,
                    "the idempotency key was used for \(earlier.kind.rawValue) of \(abs(earlier.amount)); take a new one",
                    field: "idempotency_key")
            }
            earlier.isRepeated = true
            return earlier
        }
        let balance = try balance(of: user, database)
        let (sum, overflows) = balance.addingReportingOverflow(amount)
        guard sum >= 0 || overflows else {
            throw AccountError(
                .insufficientTokens, "this takes \(-amount) tokens and the balance is \(balance); ask for more tokens")
        }
        guard !overflows, sum <= TokenAmount.largest else {
            throw AccountError.badValue("tokens", "the balance would pass \(TokenAmount.largest)")
        }
        if kind == .grant, amount > 0 {
            // What is set aside must always find room when it comes back.
            let reserved = try reserved(of: user, database)
            guard reserved <= TokenAmount.largest - sum else {
                throw AccountError.badValue(
                    "tokens",
                    "the balance would pass \(TokenAmount.largest) once the \(reserved) tokens that are set aside are given "
                        + "back; grant less, or wait until what runs has ended")
            }
        }
        try database.execute(
            sql: """
                INSERT INTO ledgerEntry (user, kind, amount, balance, key, reservation, reason, at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [user.rawValue, kind.rawValue, amount, sum, key, reservation, reason, now])
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM ledgerEntry WHERE id = ?", arguments: [database.lastInsertedRowID])
        else { throw AccountError(.damaged, "an entry of the ledger vanished while it was written") }
        return try LedgerEntry(row)
    }

    static func check(reason: String) throws {
        guard reason.count <= maximumReasonLength,
            reason.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw AccountError.badValue(
                "reason", "takes at most \(maximumReasonLength) characters, none of them control characters")
        }
    }
}

extension Int64 {
    /// The same, but for the smallest number, which has no opposite.
    fileprivate var clamped: Int64 { Swift.max(self, -.max) }
}
