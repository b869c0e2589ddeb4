import GRPCCore
import Generation
import Inference
import Link
import Logging
import SwiftProtobuf
import Timing

/// One job of a worker: the stream on which it is asked for and answered.
struct WorkerJob: Sendable {
    /// Floats of vectors per message: 1 MiB.
    private static let floatsPerMessage = 1 << 18
    /// How often the master hears that the job is still being done.
    private static let pulse: Duration = .seconds(10)

    /// The master is the one who asks, whoever asks the master.
    private static let share = Share(caller: "master")

    let worker: ClusterWorker
    let channel: LinkChannel

    /// Takes an offered job and does it. Ends early where the master wants it no more.
    func run(_ offer: Shoal_V1_JobOffer) async {
        let (requests, request) = AsyncStream.makeStream(of: Shoal_V1_JobRequest.self)
        do {
            try await channel.cluster.runJob { writer in
                try await writer.write(.with { $0.accepted = offer })
                var first = requests.makeAsyncIterator()
                guard let job = await first.next() else { return }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await self.answer(job, to: writer) }
                    group.addTask {
                        while true {
                            try await worker.clock.sleep(Self.pulse)
                            try await writer.write(Shoal_V1_JobEvent())
                        }
                    }
                    group.addTask {
                        for await request in requests {
                            if case .cancel = request.work { break }
                        }
                    }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            } onResponse: { response in
                defer { request.finish() }
                for try await message in response.messages { request.yield(message) }
            }
        } catch {
            worker.logger.debug("a job ended early", metadata: ["job": "\(offer.job)", "reason": "\(error)"])
        }
    }

    /// Does the job, and says why where it cannot be done.
    private func answer(_ job: Shoal_V1_JobRequest, to writer: RPCWriter<Shoal_V1_JobEvent>) async throws {
        do {
            switch job.work {
            case .generation(let generation): try await generate(generation, to: writer)
            case .embedding(let embedding): try await embed(embedding, to: writer)
            case .cancel: return
            case nil:
                throw InferenceError(.unsupported, "the worker does not know this kind of job: bring it up to date")
            }
        } catch let error as InferenceError {
            guard !Task.isCancelled else { throw CancellationError() }
            try await writer.write(Shoal_V1_JobEvent(error))
        } catch let error as Violation {
            try await writer.write(Shoal_V1_JobEvent(InferenceError(.badRequest, error.reason)))
        }
    }

    private func generate(_ job: Shoal_V1_GenerationJob, to writer: RPCWriter<Shoal_V1_JobEvent>) async throws {
        var request = try GenerationRequest(job)
        request.share = Self.share
        let stream = try await worker.operations.backend.generate(request)
        try await writer.write(.with { $0.ready = .init() })
        for try await event in stream { try await writer.write(Shoal_V1_JobEvent(event)) }
    }

    private func embed(_ job: Shoal_V1_EmbeddingJob, to writer: RPCWriter<Shoal_V1_JobEvent>) async throws {
        var inputs: [EmbeddingInput] = []
        for input in job.inputs {
            switch input.input {
            case .text(let text): inputs.append(.text(text))
            case .tokens(let tokens): inputs.append(.tokens(tokens.tokens))
            case nil: throw Violation("the job has an input that is none")
            }
        }
        try await writer.write(.with { $0.ready = .init() })
        let results = try await worker.operations.backend.embed(
            EmbeddingRequest(model: job.model, inputs: inputs, share: Self.share))
        let batch = max(1, Self.floatsPerMessage / max(1, results.first?.vector.count ?? 1))
        for start in stride(from: 0, to: max(1, results.count), by: batch) {
            let end = min(start + batch, results.count)
            try await writer.write(
                .with {
                    $0.embeddings.embeddings = results[start..<end].map { result in
                        .with {
                            $0.vector = result.vector
                            $0.tokenCount = UInt32(clamping: result.tokenCount)
                        }
                    }
                    $0.embeddings.isLast = end == results.count
                })
        }
    }
}
