import Accounts
import Logging
import Store
import Timing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension TrainingService {
    /// Removes what came of a job that did not succeed. What cannot be removed now is tried again at the next start.
    func removeOutput(of id: JobID) async {
        do {
            try await folder.remove(id)
        } catch {
            logger.warning(
                "what is left of a training cannot be removed: \(error)",
                metadata: ["job": "\(id)", "folder": "\(folder.output(of: id))"])
        }
    }

    /// Keeps what came of a job that succeeded.
    func keepOutput(of job: TrainingJob, finished: Date) async {
        do {
            try await folder.keep(job, finished: finished)
        } catch {
            logger.warning(
                "a result has no record of its training: \(error)",
                metadata: ["job": "\(job.id)", "folder": "\(folder.output(of: job.id))"])
        }
    }

    /// Removes folders that earlier runs of the node left: those of jobs that did not succeed, and those of no known job, unless a
    /// record says that they are results.
    func removeStaleOutputs() async {
        // The folders first: a job is written down before it has one.
        let ids = await folder.jobsWithOutput()
        var removed = 0
        for id in ids where !isStopping {
            do {
                let job = try await store.read { try TrainingTable.find(id, $0) }
                switch job?.state {
                case .queued?, .running?: continue
                case .succeeded?:
                    if let job { await keepOutput(of: job, finished: job.ended ?? clock.date()) }
                    continue
                case nil: if await folder.isKept(id) { continue }
                case .failed?, .cancelled?: break
                }
                await removeOutput(of: id)
                removed += 1
            } catch {
                logger.warning("it is not known what a folder is the result of: \(error)", metadata: ["job": "\(id)"])
            }
        }
        if removed > 0 {
            logger.notice(
                "what was left of trainings that did not succeed is removed", metadata: ["folders": "\(removed)"])
        }
    }

    /// Says where results are, to those who may know.
    func locating(_ jobs: [TrainingJob], for viewer: JobOwner) async -> [TrainingJob] {
        guard viewer.isAdministrator else { return jobs }
        let there = await folder.haveOutput(jobs.filter { $0.state == .running || $0.state == .succeeded }.map(\.id))
        return jobs.map { job in
            var job = job
            job.outputFolder = there.contains(job.id) ? folder.output(of: job.id) : nil
            return job
        }
    }
}
