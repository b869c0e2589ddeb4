import GRPCCore
package import Generation
import Identifiers
import Inference
import Link
import Logging
import SwiftProtobuf
import Synchronization
import Timing

/// Work that is sent to workers.
extension ClusterMaster {
    /// Bytes of the largest request that is sent to a worker: less than a message of the link may have.
    private static let maximumRequestBytes = 15 << 20
    /// Numbers that a vector of a worker may have.
    private static let maximumDimensions = 1 << 17

    /// Has a worker generate. The request counts as a job of the worker that it runs on.
    ///
    /// A worker that is lost is replaced by another, which makes the same answer anew; the caller sees a pause.
    /// - Throws: `InferenceError` when it cannot start; what happens later is thrown by the stream.
    package func generate(_ request: GenerationRequest) async throws -> GenerationStream {
        let job = Shoal_V1_JobRequest.with {
            $0.generation = Shoal_V1_GenerationJob(
                request, seed: request.sampling.seed ?? UInt32.random(in: .min ... .max))
        }
        try Self.check(job)
        let run = GenerationRun(master: self, model: request.model, request: job)
        try await run.begin()
        return GenerationStream(AsyncThrowingStream { try await run.next() })
    }

    /// Has a worker embed. The request counts as a job of the worker that it runs on; where that one is lost, another does it.
    ///
    /// - Throws: `InferenceError`.
    package func embed(_ request: EmbeddingRequest) async throws -> [EmbeddingResult] {
        let (model, inputs) = (request.model, request.inputs)
        let job = Shoal_V1_JobRequest.with { $0.embedding = Shoal_V1_EmbeddingJob(model: model, inputs: inputs) }
        try Self.check(job)
        var search = WorkerSearch(master: self, model: model, request: job)
        while true {
            let lease = try search.next()
            do {
                return try await results(of: lease, count: inputs.count)
            } catch {
                try search.failed(lease, error)
            }
        }
    }

    private func results(of lease: JobLease, count: Int) async throws -> [EmbeddingResult] {
        var results: [EmbeddingResult] = []
        while let event = try await lease.attempt.pipe.next() {
            switch event.event {
            case .ready, nil: continue
            case .failure(let failure): throw InferenceError(failure)
            case .embeddings(let part):
                guard results.count + part.embeddings.count <= count else {
                    throw Violation("it answered with too many vectors")
                }
                let length = results.first?.vector.count ?? part.embeddings.first?.vector.count ?? 0
                guard length <= Self.maximumDimensions,
                    part.embeddings.allSatisfy({ $0.vector.count == length && $0.vector.allSatisfy(\.isFinite) })
                else { throw Violation("it answered with vectors that are none") }
                results += part.embeddings.map { EmbeddingResult(vector: $0.vector, tokenCount: Int($0.tokenCount)) }
                guard part.isLast else { continue }
                guard results.count == count else { throw JobAttempt.Lost(reason: "it answered with too few vectors") }
                lease.end(isCompleted: true)
                return results
            default: throw JobAttempt.Lost(reason: "it answered something else than what it was asked")
            }
        }
        throw JobAttempt.Lost(reason: "it ended the job before it was done")
    }

    private static func check(_ job: Shoal_V1_JobRequest) throws {
        let bytes: Int = (try job.serializedBytes() as [UInt8]).count
        guard bytes <= maximumRequestBytes else {
            throw InferenceError(
                .badRequest, "the request has \(bytes >> 20) MB, and a worker takes \(maximumRequestBytes >> 20)",
                hint: "shorten the prompt", parameter: "messages")
        }
    }

    // MARK: - Attempts

    /// Offers a job to the best worker that has not failed at it.
    ///
    /// - Returns: nil when there is none.
    func offer(_ request: Shoal_V1_JobRequest, model: String, tried: Set<NodeID>) -> JobAttempt? {
        let now = clock.now()
        let offered = state.withLock { state -> (JobAttempt, WorkerStream?)? in
            guard let (id, session) = state.registry.assign(model: model, tried: tried, at: now),
                let key = state.registry.key(of: session)
            else { return nil }
            let attempt = JobAttempt(id: id, node: key.node, hostname: key.hostname, request: request)
            state.attempts[id] = attempt
            return (attempt, state.streams[session])
        }
        guard let (attempt, stream) = offered else { return nil }
        stream?.post(.with { $0.offer.job = attempt.id.number })
        return attempt
    }

    /// A worker could not do what it was to.
    func failed(_ attempt: JobAttempt) {
        let now = clock.now()
        state.withLock { $0.registry.failed(attempt.id, at: now) }
    }

    /// Nobody waits for the attempt any more.
    func ended(_ attempt: JobAttempt, isCompleted: Bool) {
        attempt.pipe.cancel()
        state.withLock { state in
            state.attempts[attempt.id] = nil
            state.registry.ended(attempt.id, isCompleted: isCompleted)
        }
        if isCompleted { recordsChanged() }
    }

    /// How long a worker may take to end what nobody wants any more.
    private static let farewell: Duration = .seconds(1)

    /// Serves the stream on which a worker does a job.
    func runJob(
        _ node: NodeID, request: RPCAsyncSequence<Shoal_V1_JobEvent, any Error>,
        response: RPCWriter<Shoal_V1_JobRequest>
    ) async throws {
        let taken = AttemptSlot()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    for try await event in request {
                        if let attempt = taken.value {
                            try await attempt.pipe.send(event)
                        } else {
                            let attempt = try self.take(event, by: node)
                            taken.value = attempt
                            try await response.write(attempt.request)
                        }
                    }
                    taken.value?.pipe.finish(JobAttempt.Lost(reason: "it ended the job before it was done"))
                } catch {
                    taken.value?.pipe.finish(JobAttempt.Lost(reason: "the connection with it broke"))
                    throw error
                }
            }
            group.addTask {
                // A stream that takes no job is no use to anybody.
                let deadline = self.clock.now() + .seconds(10)
                while taken.value == nil {
                    try await self.clock.sleep(.seconds(1))
                    guard self.clock.now() < deadline || taken.value != nil else {
                        throw RPCError(code: .deadlineExceeded, message: "the worker did not take a job")
                    }
                }
                await taken.value?.pipe.waitUntilUnwanted()
                // The worker ends the stream: connections on which many are reset are closed.
                try await response.write(.with { $0.cancel = .init() })
                try await self.clock.sleep(Self.farewell)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func take(_ event: Shoal_V1_JobEvent, by node: NodeID) throws -> JobAttempt {
        guard case .accepted(let offer) = event.event else {
            throw RPCError(code: .invalidArgument, message: "the worker did not say which job it takes")
        }
        let id = ClusterRegistry.JobID(number: offer.job)
        let attempt = state.withLock { state in
            state.registry.accepted(id, by: node) ? state.attempts[id] : nil
        }
        guard let attempt else { throw RPCError(code: .notFound, message: "there is no such job for this worker") }
        return attempt
    }
}

extension Shoal_V1_EmbeddingJob {
    fileprivate init(model: String, inputs: [EmbeddingInput]) {
        self.init()
        self.model = model
        self.inputs = inputs.map { input in
            .with {
                switch input {
                case .text(let text): $0.text = text
                case .tokens(let tokens): $0.tokens.tokens = tokens
                }
            }
        }
    }
}
