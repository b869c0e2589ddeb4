import Accounts
import GRDB
import Logging
import Store
import Timing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension TrainingService {
    private static let nodeStoppedFirst = "node stopped before the training was done"
    static let nodeStopped = nodeStoppedFirst + "; its tokens were given back"

    /// Closes every job that has not ended and every reservation of this service that no open job holds, and ends what the jobs left
    /// running: at start, what an earlier process of the node did not come to; at the end, what waits. What cannot be closed is
    /// logged and left to the next start, and keeps nothing else from being closed.
    ///
    /// - Throws: `StoreError` where nothing at all can be written.
    func closeLeftovers() async throws {
        // First, so that nothing trains for free.
        let ran = try await store.read { database in
            try TrainingTable.open(database).filter { $0.state == .running }.map(\.id)
        }
        if !ran.isEmpty {
            await TrainingFolder.onDisk { [trainer] in trainer?.endLeftovers(of: ran) }
        }
        for id in ran { await removeOutput(of: id) }
        let now = clock.date()
        let result = try await store.write { [ledger] in try Self.closeLeftovers(in: ledger, at: now, $0) }
        for fault in result.faults {
            logger.error("something that an earlier run of the node left open cannot be closed: \(fault)")
        }
        if result.closed > 0 {
            logger.notice("trainings that were not done are closed as failed", metadata: ["jobs": "\(result.closed)"])
        }
    }

    /// - Returns: how many jobs were closed, and what could not be.
    private static func closeLeftovers(
        in ledger: TokenLedger, at now: Date, _ database: Database
    ) throws -> (closed: Int, faults: [String]) {
        var closed = 0
        var faults: [String] = []
        var refused: Set<Int64> = []
        func isClosed(_ reservation: Int64, succeeded: Bool) throws -> Bool {
            guard let refusal = try closeReservation(reservation, succeeded: succeeded, in: ledger, database) else {
                return true
            }
            faults.append("reservation \(reservation) of tokens: \(refusal)")
            refused.insert(reservation)
            return false
        }
        for job in try TrainingTable.open(database, unreadable: { faults.append("\($0)") }) {
            let isRefunded = try job.reservation.map { try isClosed($0, succeeded: false) } ?? true
            try TrainingTable.end(
                job.id, as: .failed, progress: job.progress, message: isRefunded ? nodeStopped : nodeStoppedFirst,
                at: now,
                database)
            closed += 1
        }
        for reservation in try ledger.openReservations(in: database)
        where reservation.key.hasPrefix(keyPrefix) && !refused.contains(reservation.id) {
            do {
                let job = try JobID(reservation.key.dropFirst(keyPrefix.count)).flatMap {
                    try TrainingTable.find($0, database)
                }
                _ = try isClosed(reservation.id, succeeded: job?.state == .succeeded)
            } catch let error as JobError {
                faults.append("reservation \(reservation.id) of tokens: \(error)")
            }
        }
        return (closed, faults)
    }

    /// Settles or refunds a reservation.
    ///
    /// - Returns: why the ledger refuses, where trying again would not help: a refusal has written nothing.
    /// - Throws: what may be otherwise next time.
    static func closeReservation(
        _ reservation: Int64, succeeded: Bool, in ledger: TokenLedger, _ database: Database
    ) throws -> (any Error)? {
        do {
            if succeeded {
                try ledger.settle(reservation, in: database)
            } else {
                try ledger.refund(reservation, in: database)
            }
            return nil
        } catch let error as AccountError {
            return error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            return error
        }
    }

    func logRefusal(_ refusal: any Error, of job: TrainingJob) {
        logger.error(
            """
            the \(job.tokens) tokens of a training that ended stay set aside, because the ledger refuses to close their \
            reservation; the next start tries again: \(refusal)
            """, metadata: ["job": "\(job.id)", "reservation": "\(job.reservation ?? 0)"])
    }
}
