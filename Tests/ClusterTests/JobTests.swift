import Foundation
import Generation
import Link
import ShoalTestSupport
import Store
import SwiftProtobuf
import Synchronization
import Testing

@testable import Cluster

@Suite("Jobs of a cluster", .timeLimit(.minutes(1)))
struct JobTests: JobScene {
    @Test("A generation runs on the worker that has the model, and counts as its job")
    func generation() async throws {
        try await withMaster { master in
            let worker = TestWorker("one", models: ["tiny"])
            let other = TestWorker("two", models: ["large"])
            try await start([worker, other], master)
            #expect(master.master.serves("tiny"))
            #expect(!master.master.serves("huge"))
            let stream = try await master.master.generate(request())
            #expect(master.node(worker)?.activeJobs == 1)
            var received = Received()
            for try await event in stream {
                received.take(event)
                if case .started(let start) = event {
                    #expect(start.route.map(\.node) == [worker.identity.id])
                    #expect(start.route.map(\.nickname) == ["one"])
                    #expect(start.route.map(\.isLocal) == [false])
                }
                if case .finished(let result) = event { #expect(result.usage.completionTokens == 20) }
            }
            #expect(received.text == answer())
            #expect(received.tokens == Array(0..<20))
            #expect(received.isFinished)
            #expect(master.node(worker)?.activeJobs == 0)
            #expect(master.node(worker)?.completedJobs == 1)
            #expect(master.node(other)?.completedJobs == 0)
            #expect(master.master.statistics().completedJobs == 1)
            for worker in [worker, other] { worker.stop() }
        }
    }

    @Test("Embeddings run on workers, in as many messages as they need", arguments: [0, 1, 3, 700])
    func embedding(count: Int) async throws {
        var script = Script()
        script.embed = { inputs in
            inputs.indices.map { index in
                EmbeddingResult(vector: [Float](repeating: Float(index), count: 1024), tokenCount: index)
            }
        }
        try await withMaster { [script] master in
            let worker = TestWorker("one", script: script)
            try await start([worker], master)
            let results = try await master.master.embed(
                EmbeddingRequest(model: "tiny", inputs: (0..<count).map { .text("text \($0)") }))
            #expect(results.map(\.tokenCount) == Array(0..<count))
            #expect(results.allSatisfy { $0.vector == [Float](repeating: Float($0.tokenCount), count: 1024) })
            #expect(master.node(worker)?.completedJobs == 1)
            worker.stop()
        }
    }

    @Test("A worker whose jobs end by the hundred is heard of no more often than it may be, and stays")
    func crowd() async throws {
        let go = Signal()
        var script = Script()
        script.embed = { inputs in
            try await go.wait()
            return inputs.map { _ in EmbeddingResult(vector: [1], tokenCount: 1) }
        }
        try await withMaster { [script] master in
            let worker = TestWorker("busy", script: script)
            try await start([worker], master)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        _ = try await master.master.embed(EmbeddingRequest(model: "tiny", inputs: [.text("a")]))
                    }
                }
                try await eventually { master.node(worker)?.activeJobs == 100 }
                go.set()
                try await group.waitForAll()
            }
            // What it has to say of all that is on its way.
            let heard = master.master.clients().first?.lastSeen ?? .distantFuture
            try await eventually { (master.master.clients().first?.lastSeen ?? .distantPast) > heard + 0.3 }
            #expect(worker.joins.withLock { $0 } == 1)
            #expect(master.node(worker)?.completedJobs == 100)
            worker.stop()
        }
    }

    @Test("Work is shared by weight and load")
    func sharing() async throws {
        let go = Signal()
        var script = Script()
        script.before = { _ in try await go.wait() }
        try await withMaster { [script] master in
            let workers = [100, 300].map { TestWorker("w\($0)", weight: $0, script: script) }
            try await start(workers, master)
            var streams: [GenerationStream] = []
            for _ in 0..<8 { streams.append(try await master.master.generate(request())) }
            #expect(workers.map { master.node($0)?.activeJobs } == [2, 6])
            go.set()
            for stream in streams { #expect(try await collect(stream).text == answer()) }
            #expect(workers.map { master.node($0)?.completedJobs } == [2, 6])
            for worker in workers { worker.stop() }
        }
    }

    @Test("A client that goes ends the job on the worker", arguments: [true, false])
    func clientGone(byCancelling: Bool) async throws {
        let forever = Signal()
        let reached = Signal()
        var script = Script()
        script.before = { number in
            guard number == 5 else { return }
            reached.set()
            try await forever.wait()
        }
        try await withMaster { [script] master in
            let worker = TestWorker("one", script: script)
            try await start([worker], master)
            if byCancelling {
                let stream = try await master.master.generate(request())
                let reader = Task { try await collect(stream) }
                try await reached.wait()
                reader.cancel()
                _ = await reader.result
            } else {
                var count = 0
                for try await _ in try await master.master.generate(request()) {
                    count += 1
                    if count == 3 { break }
                }
            }
            try await eventually { worker.endings.withLock { $0 } == [true] }
            try await eventually { master.master.statistics().activeJobs == 0 }
            #expect(master.node(worker)?.completedJobs == 0)
            worker.stop()
        }
    }

    @Test("Counters survive a restart of the master")
    func counters() async throws {
        let store = try Store.inMemory()
        let identity = NodeIdentity()
        let worker = TestWorker("one")
        try await withMaster(store: store, identity: identity) { master in
            try await start([worker], master)
            for _ in 0..<3 { _ = try await collect(master.master.generate(request())) }
            worker.stop()
        }
        try await withMaster(store: store, identity: identity) { master in
            #expect(master.node(worker)?.completedJobs == 3)
            #expect(master.master.statistics().completedJobs == 3)
        }
    }

    @Test("A reader that is slow slows the worker down, and nothing piles up at the master")
    func slowReader() async throws {
        var script = Script()
        let word = String(repeating: "x", count: 100_000)
        script.words = { _ in Array(repeating: word, count: 300) }
        try await withMaster { [script] master in
            let worker = TestWorker("fast", script: script)
            try await start([worker], master)
            let lease = try #require(
                master.master.offer(
                    .with { $0.generation = Shoal_V1_GenerationJob(request(), seed: 1) }, model: "tiny", tried: []))
            // 30 MB are on their way, of which the pipe holds 64 words or 4 MB.
            try await eventually { lease.pipe.count >= 40 }
            for _ in 0..<1000 { await Task.yield() }
            #expect(lease.pipe.count <= 64)
            master.master.ended(lease, isCompleted: false)
            try await eventually { worker.endings.withLock { $0.count } == 1 }
            worker.stop()
        }
    }
}
