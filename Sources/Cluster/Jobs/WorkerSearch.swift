import Generation
import Identifiers
import Inference
import Link
import Logging
import Synchronization

/// Finds one worker after the other for a job, until one has done it.
struct WorkerSearch: Sendable {
    /// Workers that are tried for one job.
    private static let maximumAttempts = 5

    let master: ClusterMaster
    let model: String
    let request: Shoal_V1_JobRequest
    private var tried: Set<NodeID> = []
    /// Why the last worker failed.
    private var failure: InferenceError?

    init(master: ClusterMaster, model: String, request: Shoal_V1_JobRequest) {
        self.master = master
        self.model = model
        self.request = request
    }

    /// The next worker. The job is its own until the lease ends.
    ///
    /// - Throws: `InferenceError` when there is none.
    mutating func next() throws -> JobLease {
        try Task.checkCancellation()
        guard tried.count < Self.maximumAttempts,
            let attempt = master.offer(request, model: model, tried: tried)
        else {
            throw failure
                ?? InferenceError(
                    .modelNotCovered, "no worker of this cluster can run model \(model) now",
                    hint: "start a worker that has it; GET /api/admin/cluster_nodes lists them")
        }
        tried.insert(attempt.node)
        return JobLease(master: master, attempt: attempt)
    }

    /// A worker has failed.
    ///
    /// - Throws: the error, where another worker would fail in the same way.
    mutating func failed(_ lease: JobLease, _ error: any Error) throws {
        defer { lease.end(isCompleted: false) }
        let hostname = lease.attempt.hostname
        switch error {
        case let lost as JobAttempt.Lost:
            failure = InferenceError(
                .segmentLost, "the worker \(hostname) was lost (\(lost.reason)), and no other could take its place",
                hint: "send the request again")
        case let violation as Violation:
            failure = InferenceError(
                .segmentLost,
                "the worker \(hostname) answered nonsense (\(violation.reason)), and no other could take its place")
        case let error as InferenceError:
            // What is wrong with the request is wrong with it everywhere.
            guard Self.isOfWorker(error.code) else { throw error }
            failure = InferenceError(error.code, "the worker \(hostname): \(error.message)", hint: error.hint)
        default: throw error
        }
        master.failed(lease.attempt)
        master.logger.notice(
            "a worker failed at a job",
            metadata: ["worker": "\(lease.attempt.node)", "hostname": "\(hostname)", "reason": "\(error)"])
    }

    private static func isOfWorker(_ code: InferenceError.Code) -> Bool {
        switch code {
        case .badRequest, .contextTooLong, .unsupported: false
        default: true
        }
    }
}

/// A job that a worker has, for as long as this value lives or until it is ended.
final class JobLease: Sendable {
    let attempt: JobAttempt
    private let master: ClusterMaster
    private let isEnded = Mutex(false)

    init(master: ClusterMaster, attempt: JobAttempt) {
        self.master = master
        self.attempt = attempt
    }

    deinit {
        end(isCompleted: false)
    }

    /// The first end counts.
    func end(isCompleted: Bool) {
        let isFirst = isEnded.withLock { isEnded in
            defer { isEnded = true }
            return !isEnded
        }
        if isFirst { master.ended(attempt, isCompleted: isCompleted) }
    }
}

/// The attempt that a stream has taken.
final class AttemptSlot: Sendable {
    private let slot = Mutex<JobAttempt?>(nil)

    var value: JobAttempt? {
        get { slot.withLock { $0 } }
        set { slot.withLock { $0 = newValue } }
    }
}
