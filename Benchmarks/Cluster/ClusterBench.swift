import Cluster
import Foundation
import Generation
import Inference
import Link
import Logging

/// Many workers of one master in one process, each on a link of its own, with nothing to do but to send heartbeats.
///
///     shoal-bench-cluster HOST:PORT TOKEN COUNT
///
/// Prints `joined` when the master has taken them all, and works on until standard input ends.
@main
enum ClusterBench {
    /// Workers that call at once: a listener takes no more handshakes than it has room for.
    private static let callers = 16

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let master = LinkAddress(arguments[1]), let token = ClusterToken(arguments[2]),
            let count = Int(arguments[3]), count > 0
        else { fatalError("usage: shoal-bench-cluster HOST:PORT TOKEN COUNT") }
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let (joins, joined) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            var joinedSoFar = joins.makeAsyncIterator()
            var waiting = 0
            for number in 0..<count {
                let worker = try ClusterWorker(
                    master: master, token: token, identity: NodeIdentity(), operations: operations(number),
                    logger: logger
                ) { _, _ in joined.yield() }
                group.addTask { try await worker.run() }
                waiting += 1
                if waiting >= callers {
                    await joinedSoFar.next()
                    waiting -= 1
                }
            }
            for _ in 0..<waiting { await joinedSoFar.next() }
            FileHandle.standardOutput.write(Data("joined\n".utf8))
            group.addTask {
                await withCheckedContinuation { continuation in
                    Thread.detachNewThread {
                        while readLine() != nil {}
                        continuation.resume()
                    }
                }
            }
            // Standard input ends before any worker does.
            try await group.next()
            group.cancelAll()
        }
    }

    /// A worker with a model and an engine, as most are.
    private static func operations(_ number: Int) -> WorkerOperations {
        let description = WorkerDescription(
            hostname: Hostname("worker-\(number).example.com")!, version: "bench", weight: 100,
            memoryBytes: 64 << 30, gpus: [WorkerGPU(api: .cuda, index: 0, name: "GPU", memoryBytes: 24 << 30)],
            backEnds: ["cuda", "cpu"],
            models: [
                WorkerModel(
                    id: "model-\(number % 10)", name: "Model", architecture: "llama", layerCount: 32, shardCount: 8,
                    totalBytes: 4 << 30, contextLength: 8192, createdUnixSeconds: 1_700_000_000)
            ])
        let processes = [
            WorkerProcess(name: "generation_cuda", status: "idle", weight: 100, model: "model-\(number % 10)")
        ]
        return WorkerOperations(
            description: { description }, processes: { processes }, activeJobs: { 0 },
            watch: { _ in try? await Task.sleep(for: .seconds(3600)) },
            backend: NoBackend(), setDriver: { _ in })
    }
}

/// Of a worker that only sends heartbeats.
private struct NoBackend: GenerationBackend {
    private static let error = InferenceError(.unsupported, "this worker only sends heartbeats")

    func readiness(for model: String, _ work: GenerationWork) -> BackendReadiness { .unready }
    func generate(_ request: GenerationRequest) async throws -> GenerationStream { throw Self.error }
    func embed(_ request: EmbeddingRequest) async throws -> [EmbeddingResult] { throw Self.error }
    func availableModels() -> [AvailableModel] { [] }
}
