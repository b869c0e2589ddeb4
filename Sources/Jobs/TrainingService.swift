package import Accounts
package import Events
package import Files
package import Logging
import ServiceLifecycle
package import Store
package import Timing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Takes training jobs, lets them wait, and runs them, each paid from the token ledger.
///
/// A job is written down in the transaction that sets its tokens aside, and closed in the one that settles or refunds them, so that
/// no moment at which the node may be killed leaves one without the other. `init` closes what an earlier process of the node left
/// open. Whoever waits for a job may go away: only `cancel` cancels it.
package actor TrainingService: Service {
    /// Every reservation of this service has a key that begins with this; the job's id follows.
    static let keyPrefix = "training-job:"
    /// Pause before a transaction is tried again that closes a job and failed.
    static let retryPause: Duration = .seconds(1)
    /// Time between two writes of one job's progress.
    static let progressPause: Duration = .seconds(5)

    /// Why a job that runs is stopped.
    enum StopReason: Sendable {
        /// The event is for the audit log.
        case cancelled(AuditEvent)
        case timedOut
        case nodeStops
    }

    /// A job that runs, or is about to.
    struct Running {
        let stops: AsyncStream<StopReason>
        let stop: AsyncStream<StopReason>.Continuation
        var progress = 0.0
        var message = ""
        /// When these two were written and published last.
        var written: Duration?
        var published: Duration?
    }

    let settings: TrainingSettings
    nonisolated let folder: TrainingFolder
    let files: FileRoot
    let trainer: (any Trainer)?
    let ledger: TokenLedger
    let audit: AuditLog
    let store: Store
    let events: EventBus
    let clock: NodeClock
    let logger: Logger

    /// Jobs that have not ended.
    var open: Set<JobID> = []
    /// Those that wait, the next one first.
    var queue: [JobID] = []
    var running: [JobID: Running] = [:]
    /// Where jobs go whose turn it is; nil before `run()` and after it.
    var starter: AsyncStream<JobID>.Continuation?
    var isStopping = false
    private var waiters: [JobID: [Int: AsyncStream<Never>.Continuation]] = [:]
    private var nextWaiter = 0

    /// - Parameter trainer: nil where none is configured: then no job is taken.
    /// - Throws: `StoreError`, `AccountError`, `JobError`.
    package init(
        settings: TrainingSettings, files: FileRoot, trainer: (any Trainer)?, accounts: AccountServices, store: Store,
        events: EventBus, clock: NodeClock = .system, logger: Logger
    ) async throws {
        self.settings = settings
        folder = TrainingFolder(path: settings.folder)
        self.files = files
        self.trainer = trainer
        ledger = accounts.ledger
        audit = accounts.audit
        self.store = store
        self.events = events
        self.clock = clock
        self.logger = logger
        try TrainingTable.prepare(store)
        try await closeLeftovers()
    }

    // MARK: Asking for a training

    /// A job, and whether it is an earlier one that was asked for under the same key.
    package struct Submission: Sendable, Hashable {
        package let job: TrainingJob
        package let isRepeated: Bool
    }

    /// Takes a job. What is taken runs, whatever becomes of the task that asked.
    ///
    /// - Parameters:
    ///   - key: what makes asking twice the same as asking once, for this owner.
    ///   - actor: who asks, for the audit log.
    /// - Throws: `JobError` of code `notConfigured`, `badValue`, `queueFull`, `keyReused`, `stopping`; `FileError` about the path;
    ///   `AccountError` of code `insufficientTokens`, `userNotFound`; `StoreError`.
    package func submit(
        _ request: TrainingRequest, for owner: JobOwner, key: IdempotencyKey? = nil, by actor: AuditActor
    ) async throws -> Submission {
        guard trainer != nil else {
            throw JobError(
                .notConfigured, "this node cannot train: set training.command to the command that does, and restart")
        }
        guard !isStopping else { throw Self.stopping }
        try await check(request)
        let taking = Task { try await take(request, for: owner, key: key, by: actor) }
        let submission = try await taking.value
        guard !submission.isRepeated else { return submission }
        publish(.queued, "training of \(request.outputModel) is queued", submission.job.id)
        return submission
    }

    /// Looks for the folder.
    private nonisolated func check(_ request: TrainingRequest) async throws {
        try await TrainingFolder.onDisk { [files] () throws(FileError) in
            do throws(FileError) {
                _ = try files.realPath(ofFolder: request.path)
            } catch { throw error.naming("train_path") }
        }
    }

    private func take(
        _ request: TrainingRequest, for owner: JobOwner, key: IdempotencyKey?, by actor: AuditActor
    ) async throws -> Submission {
        let id = JobID.random()
        let now = clock.date()
        let price = try TokenAmount(owner.isAdministrator ? 0 : settings.price)
        let submission = try await store.write { [ledger, audit, settings] database in
            if let key, let earlier = try TrainingTable.find(requestKey: key.rawValue, of: owner.user, database) {
                guard earlier.request == request else {
                    throw JobError(
                        .keyReused, "the idempotency key was used for another training; take a new one",
                        field: "idempotency_key")
                }
                return Submission(job: earlier, isRepeated: true)
            }
            let reservation = try owner.user.map { user in
                try ledger.reserve(
                    price, of: user, key: IdempotencyKey(Self.keyPrefix + id.description),
                    reason: "training of \(request.outputModel)", by: actor, in: database)
            }
            guard try TrainingTable.queuedCount(database) < settings.maximumQueued else {
                throw JobError(
                    .queueFull, "\(settings.maximumQueued) trainings wait already; try again later",
                    retryAfter: .seconds(30))
            }
            let job = TrainingJob(
                id: id, user: owner.user, request: request, state: .queued, progress: 0, message: "", created: now,
                started: nil, ended: nil, tokens: price, reservation: reservation?.id)
            try TrainingTable.insert(job, requestKey: key?.rawValue, database)
            try audit.record(
                AuditEvent(
                    actor, .submitTraining, on: .thing("training_job", id.description, user: owner.user),
                    details: [
                        .note("output_model", request.outputModel), .note("train_path", request.path),
                        .tokens(price.rawValue),
                    ]),
                in: database)
            return Submission(job: job, isRepeated: false)
        }
        guard !submission.isRepeated else { return submission }
        guard !isStopping else {
            return Submission(
                job: try await close(id, as: .failed, message: Self.nodeStopped), isRepeated: false)
        }
        open.insert(id)
        queue.append(id)
        startNext()
        return submission
    }

    static let stopping = JobError(.stopping, "the node is stopping; try again when it is back")

    // MARK: Looking at jobs

    /// A job as it is now.
    ///
    /// - Throws: `JobError` of code `notFound`, also where the job is not `viewer`'s to see; `StoreError`.
    package func job(_ id: JobID, for viewer: JobOwner) async throws -> TrainingJob {
        let stored = try await store.read { try TrainingTable.find(id, $0) }
        guard let stored, viewer.mayLook(at: stored) else {
            throw JobError(.notFound, "there is no job \(id)")
        }
        return await locating([current(stored)], for: viewer)[0]
    }

    /// Jobs that `viewer` may see, the newest first: an administrator sees all.
    ///
    /// - Throws: `JobError` of code `badValue` where `after` is no job; `StoreError`.
    package func jobs(for viewer: JobOwner, after: JobID? = nil, limit: PageLimit = .standard) async throws -> JobPage {
        let user = viewer.isAdministrator ? nil : viewer.user
        let stored = try await store.read { database in
            if let after, let mark = try TrainingTable.find(after, database), !viewer.mayLook(at: mark) {
                throw JobError.badValue("after", "is the id of a job of the list")
            }
            return try TrainingTable.list(of: user, after: after, limit: limit.rawValue + 1, database)
        }
        let jobs = await locating(stored.prefix(limit.rawValue).map(current), for: viewer)
        return JobPage(jobs: jobs, next: stored.count > limit.rawValue ? jobs.last?.id : nil)
    }

    /// What the trainer of a job wrote; the oldest part is missing where it was much.
    package func log(of id: JobID, for viewer: JobOwner) async throws -> [UInt8] {
        _ = try await job(id, for: viewer)
        return await folder.log(of: id)
    }

    /// Waits until a job has ended, or the task that waits is cancelled, and returns the job as it is then.
    package func wait(for id: JobID, as viewer: JobOwner) async throws -> TrainingJob {
        let seen = try await job(id, for: viewer)
        // Nothing is awaited between the look and the waiting, so that no end goes by unseen.
        guard !seen.state.hasEnded, open.contains(id) else {
            return try await job(id, for: viewer)
        }
        let (stream, waiter) = AsyncStream.makeStream(of: Never.self)
        nextWaiter += 1
        let number = nextWaiter
        waiters[id, default: [:]][number] = waiter
        for await _ in stream {}
        waiters[id]?[number] = nil
        if waiters[id]?.isEmpty == true { waiters[id] = nil }
        try Task.checkCancellation()
        return try await job(id, for: viewer)
    }

    func wakeWaiters(of id: JobID) {
        for waiter in waiters.removeValue(forKey: id)?.values ?? [:].values { waiter.finish() }
    }

    func wakeAllWaiters() {
        for id in waiters.keys { wakeWaiters(of: id) }
    }

    /// What is stored of a job, with what is known better here.
    private func current(_ stored: TrainingJob) -> TrainingJob {
        guard !stored.state.hasEnded, let running = running[stored.id] else { return stored }
        var job = stored
        job.progress = running.progress
        job.message = running.message
        return job
    }

    // MARK: Cancelling

    /// Cancels a job, and returns it when it has ended: what runs is stopped first.
    ///
    /// - Throws: `JobError` of code `notFound`, `ended`; `StoreError`.
    package func cancel(_ id: JobID, for viewer: JobOwner, by actor: AuditActor) async throws -> TrainingJob {
        let seen = try await job(id, for: viewer)
        try await audit.confirm(actor)
        let event = AuditEvent(actor, .cancelTraining, on: .thing("training_job", id.description, user: seen.user))
        if let place = queue.firstIndex(of: id) {
            queue.remove(at: place)
            let closing = Task { try await close(id, as: .cancelled, message: "cancelled", recording: event) }
            do {
                return try await closing.value
            } catch {
                // Nothing was written: it waits on.
                if !isStopping {
                    queue.append(id)
                    startNext()
                }
                throw error
            }
        }
        guard let found = running[id] else {
            throw JobError(.ended, "the job \(id) has ended and cannot be cancelled")
        }
        found.stop.yield(.cancelled(event))
        let job = try await wait(for: id, as: viewer)
        guard job.state == .cancelled else {
            throw JobError(.ended, "the job \(id) has ended as \(job.state.rawValue) and cannot be cancelled")
        }
        return job
    }
}

extension AuditAction {
    package static let submitTraining = AuditAction("training.submit")
    package static let cancelTraining = AuditAction("training.cancel")
}
