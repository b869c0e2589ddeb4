import Generation
import Inference
import Link

/// One generation, on one worker after the other until one has done it.
///
/// Its events are made as they are asked for, so that who reads slowly slows the worker down. When nobody has a reference to it any more, the job
/// ends.
actor GenerationRun {
    private var search: WorkerSearch
    private var lease: JobLease?
    private var delivered = DeliveredAnswer()
    /// The client knows the route.
    private var isStarted = false
    /// Why the former worker was left, until the client has been told.
    private var move: String?
    private var isDone = false
    private let maximumBytes: Int
    /// Of the present worker's answer, so far.
    private var bytes = 0

    init(master: ClusterMaster, model: String, request: Shoal_V1_JobRequest) {
        maximumBytes = master.rules.maximumAnswerBytes
        search = WorkerSearch(master: master, model: model, request: request)
    }

    /// Returns when a worker has found the request to be in order and begins.
    ///
    /// - Throws: `InferenceError`.
    func begin() async throws {
        while true {
            let lease = try search.next()
            do {
                try await Self.waitUntilReady(lease)
                self.lease = lease
                return
            } catch {
                try search.failed(lease, error)
            }
        }
    }

    /// The next event; nil after the last one.
    func next() async throws -> GenerationEvent? {
        while !isDone {
            do {
                guard let lease else { throw CancellationError() }
                guard let message = try await lease.attempt.pipe.next() else {
                    throw JobAttempt.Lost(reason: "it ended the job before it was done")
                }
                if case .failure(let failure) = message.event { throw InferenceError(failure) }
                bytes += message.weight
                guard bytes <= maximumBytes else { throw Violation("its answer has no end") }
                guard let event = try GenerationEvent(message, hostname: lease.attempt.hostname) else { continue }
                guard let new = try told(event, lease) else { continue }
                if case .finished = new {
                    isDone = true
                    lease.end(isCompleted: true)
                }
                return new
            } catch let error as DeliveredAnswer.Divergence {
                isDone = true
                lease?.end(isCompleted: false)
                throw InferenceError(
                    .segmentLost, "\(move ?? "a worker was lost"), and another one did not make the same answer again",
                    hint: "send the request again", cause: error)
            } catch {
                try await moveOn(after: error)
            }
        }
        return nil
    }

    /// What of an event the client is told.
    private func told(_ event: GenerationEvent, _ lease: JobLease) throws(DeliveredAnswer.Divergence)
        -> GenerationEvent?
    {
        if case .started(let start) = event {
            guard isStarted else {
                isStarted = true
                return event
            }
            return move.map { .rerouted(reason: $0, route: start.route) }
        }
        return try delivered.take(event)
    }

    /// Has another worker make the answer anew.
    private func moveOn(after error: any Error) async throws {
        guard let lease else { throw error }
        self.lease = nil
        do {
            try search.failed(lease, error)
            move = "worker \(lease.attempt.hostname) was lost"
            delivered.restart()
            bytes = 0
            try await begin()
        } catch {
            isDone = true
            throw error
        }
    }

    private static func waitUntilReady(_ lease: JobLease) async throws {
        while let message = try await lease.attempt.pipe.next() {
            switch message.event {
            case .ready: return
            case .failure(let failure): throw InferenceError(failure)
            case nil: continue
            default: throw Violation("it answered before it was ready")
            }
        }
        throw JobAttempt.Lost(reason: "it ended the job before it began")
    }
}
