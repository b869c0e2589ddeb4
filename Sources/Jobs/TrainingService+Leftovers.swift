import Accounts
import Logging
import Store

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension TrainingService {
    static let nodeStopped = "node stopped before the training was done; its tokens were given back"

    /// Closes every job that has not ended, refunds every reservation of this service that no open job holds, and ends what the jobs
    /// left running: at start, what an earlier process of the node did not come to; at the end, what waits.
    func closeLeftovers() async throws {
        let open = try await store.read { try TrainingTable.open($0) }
        // First, so that nothing trains for free.
        let ran = open.filter { $0.state == .running }.map(\.id)
        if !ran.isEmpty { trainer?.endLeftovers(of: ran) }
        for id in ran { try? FileManager.default.removeItem(atPath: outputFolder(of: id)) }
        let now = clock.date()
        let closed = try await store.write { [ledger] database in
            let open = try TrainingTable.open(database)
            for job in open {
                try TrainingTable.end(
                    job.id, as: .failed, progress: job.progress, message: Self.nodeStopped, at: now, database)
            }
            for reservation in try ledger.openReservations(in: database)
            where reservation.key.hasPrefix(Self.keyPrefix) {
                let job = try JobID(reservation.key.dropFirst(Self.keyPrefix.count)).flatMap {
                    try TrainingTable.find($0, database)
                }
                if job?.state == .succeeded {
                    try ledger.settle(reservation.id, in: database)
                } else {
                    try ledger.refund(reservation.id, in: database)
                }
            }
            return open.count
        }
        if closed > 0 {
            logger.notice("trainings that were not done are closed as failed", metadata: ["jobs": "\(closed)"])
        }
    }

    /// Removes the oldest logs where there are more than are kept.
    func removeOldLogs() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: logFolder)) ?? []
        let logs = names.filter { $0.hasSuffix(".log") }
        guard logs.count >= Self.maximumLogs else { return }
        let dated = logs.map { name in
            let path = "\(logFolder)/\(name)"
            let date = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
            return (path: path, date: date ?? .distantPast)
        }
        for log in dated.sorted(by: { $0.date < $1.date }).prefix(logs.count - Self.maximumLogs + 1) {
            JobLog.remove(log.path)
        }
    }
}
