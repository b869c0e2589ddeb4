import Generation
import ShoalTestSupport
import Synchronization
import Testing

@testable import Cluster

/// Something that happens once, and who waits for it.
final class Signal: Sendable {
    private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

    func set() { continuation.finish() }

    /// Returns when it was set, or the task is cancelled.
    func wait() async throws {
        for await _ in stream {}
        try Task.checkCancellation()
    }
}

final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}

/// Requests to the workers of a cluster, and what comes of them.
protocol JobScene {}

extension JobScene {
    func request(_ model: String = "tiny", seed: UInt32? = 7) -> GenerationRequest {
        var sampling = Sampling()
        sampling.seed = seed
        return GenerationRequest(model: model, prompt: .text("hello"), sampling: sampling)
    }

    func collect(_ stream: GenerationStream) async throws -> Received {
        var received = Received()
        for try await event in stream { received.take(event) }
        return received
    }

    func answer(seed: UInt32 = 7) -> String { (0..<20).map { "\(seed)-\($0) " }.joined() }

    /// Starts workers and waits until the master has them all.
    func start(_ workers: [TestWorker], _ master: TestMaster) async throws {
        let (_, token) = try await master.token()
        for worker in workers { try worker.start(master.address, token: token) }
        try await eventually { master.master.clients().count == workers.count }
    }
}
