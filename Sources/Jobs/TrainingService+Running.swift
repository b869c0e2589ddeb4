import Accounts
import Events
import Files
import Logging
import ServiceLifecycle
import Store
import Timing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension TrainingService {
    /// Runs jobs until the node stops; then those that run are stopped, and all that have not ended are closed.
    package func run() async throws {
        let (starts, starter) = AsyncStream.makeStream(of: JobID.self)
        self.starter = starter
        startNext()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.removeStaleOutputs() }
            for await id in starts.cancelOnGracefulShutdown() {
                group.addTask { await self.perform(id) }
            }
            stopAll()
        }
        let closing = Task { try await closeLeftovers() }
        do { try await closing.value } catch {
            logger.error("the trainings that run cannot be closed now; the next start closes them: \(error)")
        }
        open = []
        queue = []
        running = [:]
        wakeAllWaiters()
    }

    /// Gives turns to jobs that wait, the oldest first.
    func startNext() {
        guard let starter, !isStopping else { return }
        while running.count < settings.maximumRunning, !queue.isEmpty {
            let id = queue.removeFirst()
            let (stops, stop) = AsyncStream.makeStream(of: StopReason.self, bufferingPolicy: .bufferingOldest(1))
            running[id] = Running(stops: stops, stop: stop)
            starter.yield(id)
        }
    }

    private func stopAll() {
        isStopping = true
        starter?.finish()
        starter = nil
        for job in running.values { job.stop.yield(.nodeStops) }
    }

    // MARK: One job

    /// How a job ended.
    private struct Ending: Sendable {
        var state: TrainingJob.State
        var message: String
        /// For the audit log, where somebody ended it.
        var event: AuditEvent?
    }

    private func perform(_ id: JobID) async {
        guard let stops = running[id]?.stops else { return }
        let ending = await train(id, stops: stops)
        if ending.state != .succeeded { await removeOutput(of: id) }
        await closeSurely(id, ending)
        running[id] = nil
        startNext()
    }

    private func train(_ id: JobID, stops: AsyncStream<StopReason>) async -> Ending {
        do {
            let now = clock.date()
            let beginning = Task {
                try await store.write { database in
                    try TrainingTable.begin(id, at: now, database)
                    return try TrainingTable.find(id, database)
                }
            }
            guard let trainer, let job = try await beginning.value, job.state == .running else {
                throw JobError(.notFound, "there is no job \(id) that could run")
            }
            let dataPath = try await TrainingFolder.onDisk { [files] () throws(FileError) in
                try files.realPath(ofFolder: job.request.path)
            }
            let task = TrainingTask(
                job: id, request: job.request, dataPath: dataPath, outputFolder: folder.output(of: id))
            let log = try await folder.begin(id)
            logger.info("training begins", metadata: ["job": "\(id)"])
            publish(.started, "training of \(job.request.outputModel) begins", id)
            let ending = await Self.supervise(task, trainer: trainer, timeout: settings.timeout, stops: stops) {
                [logger] report in
                switch report {
                case .line(let line):
                    await TrainingFolder.onDisk { log.append(line) }
                    logger.debug("\(line)", metadata: ["job": "\(id)"])
                case .progress(let progress, let message): await self.note(progress, message, of: id)
                }
            }
            if ending.state == .succeeded { await keepOutput(of: job, finished: clock.date()) }
            return ending
        } catch {
            return Ending(state: .failed, message: "training cannot begin: \(error)")
        }
    }

    /// Runs the trainer until it ends, is told to, or takes too long.
    private static func supervise(
        _ task: TrainingTask, trainer: any Trainer, timeout: Duration, stops: AsyncStream<StopReason>,
        report: @escaping @Sendable (TrainingReport) async -> Void
    ) async -> Ending {
        enum Event: Sendable {
            case ended((any Error)?)
            case stop(StopReason)
        }
        return await withTaskGroup(of: Event.self) { group in
            group.addTask {
                do {
                    try await trainer.train(task, report: report)
                    return .ended(nil)
                } catch {
                    return .ended(error)
                }
            }
            group.addTask {
                for await reason in stops { return .stop(reason) }
                return .stop(.nodeStops)
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return .stop(.timedOut)
            }
            var stopped: StopReason?
            for await event in group {
                switch event {
                case .stop(let reason):
                    // The later ones come of this one's cancelling.
                    if stopped == nil { stopped = reason }
                    group.cancelAll()
                case .ended(let error):
                    group.cancelAll()
                    switch stopped {
                    case .cancelled(let event): return Ending(state: .cancelled, message: "cancelled", event: event)
                    case .nodeStops: return Ending(state: .failed, message: Self.nodeStopped)
                    case .timedOut:
                        return Ending(
                            state: .failed,
                            message: "training took longer than \(timeout.components.seconds) s and was ended; "
                                + "see training.timeout_seconds")
                    case nil: break
                    }
                    guard let error else { return Ending(state: .succeeded, message: "Training completed") }
                    return Ending(state: .failed, message: "\(error)")
                }
            }
            return Ending(state: .failed, message: Self.nodeStopped)
        }
    }

    /// Notes how a job goes, and writes it down now and then.
    private func note(_ progress: Double?, _ message: String?, of id: JobID) async {
        guard var found = running[id] else { return }
        if let progress { found.progress = progress }
        if let message { found.message = message }
        let now = clock.now()
        let isPublished = found.published.map { now - $0 >= .seconds(1) } ?? true
        let isWritten = found.written.map { now - $0 >= Self.progressPause } ?? true
        if isPublished { found.published = now }
        if isWritten { found.written = now }
        running[id] = found
        if isPublished { publish(.progress(found.progress), found.message, id) }
        guard isWritten else { return }
        do {
            try await store.write { [found] database in
                try TrainingTable.note(progress: found.progress, message: found.message, of: id, database)
            }
        } catch is CancellationError {
            // The job is being stopped, and its end is written instead.
        } catch {
            logger.warning("the progress of a training cannot be written: \(error)", metadata: ["job": "\(id)"])
        }
    }

    // MARK: The end of a job

    /// Closes a job, and tries again where the database fails: until then its tokens are set aside. What is not closed when the node
    /// stops is closed at the next start.
    private func closeSurely(_ id: JobID, _ ending: Ending) async {
        while true {
            let closing = Task {
                try await close(id, as: ending.state, message: ending.message, recording: ending.event)
            }
            do {
                _ = try await closing.value
                return
            } catch {
                logger.error("a training cannot be closed: \(error)", metadata: ["job": "\(id)"])
                guard !isStopping, (try? await Task.sleep(for: Self.retryPause)) != nil else { return }
            }
        }
    }

    /// Writes a job's end together with what becomes of its tokens.
    ///
    /// Where the ledger refuses to close the reservation, the job ends all the same: it is the ledger that must be mended, not the
    /// queue that must wait for it. The next start tries again.
    @discardableResult
    func close(
        _ id: JobID, as state: TrainingJob.State, message: String, recording event: AuditEvent? = nil
    ) async throws -> TrainingJob {
        let now = clock.date()
        let known = running[id]
        let (job, refusal) = try await store.write { [ledger, audit] database in
            guard let job = try TrainingTable.find(id, database) else {
                throw JobError(.notFound, "there is no job \(id)")
            }
            guard !job.state.hasEnded else { return (job, (any Error)?.none) }
            let refusal = try job.reservation.flatMap {
                try Self.closeReservation($0, succeeded: state == .succeeded, in: ledger, database)
            }
            try TrainingTable.end(
                id, as: state, progress: state == .succeeded ? 1 : known?.progress ?? job.progress, message: message,
                at: now, database)
            if let event { try audit.record(event, in: database) }
            return (try TrainingTable.find(id, database) ?? job, refusal)
        }
        if let refusal { logRefusal(refusal, of: job) }
        logger.info(
            "training ended", metadata: ["job": "\(id)", "state": "\(job.state.rawValue)", "why": "\(message)"])
        // Why it failed is for those who may see the job; events are for everybody.
        publish(
            .ended(state: job.state.rawValue), "training of \(job.request.outputModel) \(job.state.rawValue)", id)
        open.remove(id)
        wakeWaiters(of: id)
        return job
    }

    func publish(_ event: TrainingEvent, _ message: String, _ id: JobID) {
        events.publish(NodeEvent(.training(event, job: id.description), message, at: clock.date()))
    }
}
