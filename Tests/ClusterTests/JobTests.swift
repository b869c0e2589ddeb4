import Foundation
import Generation
import Inference
import JSON
import Link
import ShoalTestSupport
import Store
import SwiftProtobuf
import Synchronization
import Testing

@testable import Cluster

/// Something that happens once, and who waits for it.
private final class Signal: Sendable {
    private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

    func set() { continuation.finish() }

    /// Returns when it was set, or the task is cancelled.
    func wait() async throws {
        for await _ in stream {}
        try Task.checkCancellation()
    }
}

private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}

@Suite("Jobs of a cluster", .timeLimit(.minutes(1)))
struct JobTests {
    private func request(_ model: String = "tiny", seed: UInt32? = 7) -> GenerationRequest {
        var sampling = Sampling()
        sampling.seed = seed
        return GenerationRequest(model: model, prompt: .text("hello"), sampling: sampling)
    }

    private func collect(_ stream: GenerationStream) async throws -> Received {
        var received = Received()
        for try await event in stream { received.take(event) }
        return received
    }

    private func answer(seed: UInt32 = 7) -> String { (0..<20).map { "\(seed)-\($0) " }.joined() }

    /// Starts workers and waits until the master has them all.
    private func start(_ workers: [TestWorker], _ master: TestMaster) async throws {
        let (_, token) = try await master.token()
        for worker in workers { try worker.start(master.address, token: token) }
        try await eventually { master.master.clients().count == workers.count }
    }

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

    @Test("A request survives the wire whole")
    func wire() throws {
        var chat = Chat(
            [
                ChatMessage(.system, "Be brief."),
                ChatMessage(.user, parts: [.text("Grüße\n"), .text(""), .image(.init(url: "data:,", detail: "low"))]),
                ChatMessage(
                    .assistant, parts: [], reasoning: "Hm.",
                    toolCalls: [ToolCall(id: "a", name: "look", arguments: "{"), ToolCall(name: "see", arguments: "")]),
                ChatMessage(.tool, parts: [.text("1")], toolCallID: "a", name: "look"), ChatMessage(.assistant, "A"),
            ],
            tools: [
                Tool(name: "look", description: "Looks", parameters: ["type": "object"], isStrict: true),
                Tool(name: "see"),
            ], toolChoice: .named("look"))
        chat.templateArguments = ["enable_thinking": false]
        chat.allowsParallelToolCalls = false
        chat.continuesLastMessage = true
        var whole = GenerationRequest(model: "tiny", prompt: .chat(chat))
        whole.sampling.temperature = 0.25
        whole.sampling.topK = 3
        whole.sampling.repeatLastN = -1
        whole.sampling.logitBias = [7: 1.5]
        whole.maximumTokens = 12
        whole.stop = ["END", "\n"]
        whole.topLogProbabilities = 0
        whole.echo = true
        whole.cachePrompt = false
        whole.ignoreEndOfGeneration = true
        whole.responseFormat = .jsonSchema(["type": "object"])
        whole.parseToolCalls = true
        let bytes: [UInt8] = try Shoal_V1_GenerationJob(whole, seed: 42).serializedBytes()
        let read = try GenerationRequest(Shoal_V1_GenerationJob(serializedBytes: bytes))
        whole.sampling.seed = 42
        #expect(String(describing: read) == String(describing: whole))
        var plain = GenerationRequest(model: "tiny", prompt: .tokens([1, 2, 3]))
        plain.sampling.seed = 1
        let again = try GenerationRequest(Shoal_V1_GenerationJob(plain, seed: 1))
        #expect(String(describing: again) == String(describing: plain))
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

    @Test(
        "A worker that dies in the middle is replaced, and the client gets one whole answer", arguments: [0, 1, 7, 19])
    func death(word: Int) async throws {
        let reached = Signal()
        let begun = Signal()
        let forever = Signal()
        var dying = Script()
        dying.before = { number in
            guard number == word else { return }
            reached.set()
            try await forever.wait()
        }
        try await withMaster { [dying] master in
            let first = TestWorker("first", weight: 1000, script: dying)
            let second = TestWorker("second")
            try await start([first, second], master)
            let stream = try await master.master.generate(request(seed: nil))
            let death = Task {
                try await reached.wait()
                // Before, the client would never hear of the first worker.
                try await begun.wait()
                first.stop()
            }
            var received = Received()
            var reroutes = 0
            for try await event in stream {
                received.take(event)
                if case .started = event { begun.set() }
                if case .rerouted(let reason, let route) = event {
                    reroutes += 1
                    #expect(reason.contains("first"))
                    #expect(route.map(\.nickname) == ["second"])
                }
            }
            try await death.value
            #expect(received.tokens == Array(0..<20))
            let seed = try #require(UInt32(received.text.prefix { $0 != "-" }))
            #expect(received.text == answer(seed: seed))
            #expect(reroutes == 1)
            #expect(master.node(first)?.completedJobs == 0)
            #expect(master.node(first)?.activeJobs == 0)
            #expect(master.node(second)?.completedJobs == 1)
            #expect(master.master.statistics().activeJobs == 0)
            second.stop()
        }
    }

    @Test("An answer that was whole before its worker went is read to its end, and counts")
    func lateReader() async throws {
        try await withMaster { master in
            let worker = TestWorker("one")
            try await start([worker], master)
            let stream = try await master.master.generate(request())
            // The beginning, 20 words and the end.
            try await eventually {
                master.master.state.withLock { $0.attempts.values.map(\.pipe.count) } == [22]
            }
            worker.stop()
            try await eventually { master.node(worker)?.isConnected == false }
            let received = try await collect(stream)
            #expect(received.text == answer())
            #expect(received.isFinished)
            #expect(master.node(worker)?.completedJobs == 1)
            #expect(master.master.statistics().activeJobs == 0)
        }
    }

    @Test("Where nobody is left, the request fails with what happened")
    func lastWorker() async throws {
        let reached = Signal()
        let forever = Signal()
        var dying = Script()
        dying.before = { number in
            guard number == 3 else { return }
            reached.set()
            try await forever.wait()
        }
        try await withMaster { [dying] master in
            let worker = TestWorker("only", script: dying)
            try await start([worker], master)
            let stream = try await master.master.generate(request())
            let death = Task {
                try await reached.wait()
                worker.stop()
            }
            let error = await #expect(throws: InferenceError.self) { try await collect(stream) }
            #expect(error?.code == .segmentLost)
            #expect(error?.message.contains("only") == true)
            try await death.value
            #expect(master.master.statistics().activeJobs == 0)
            #expect(master.master.statistics().completedJobs == 0)
            try await eventually { master.master.clients().isEmpty }
            let later = await #expect(throws: InferenceError.self) {
                _ = try await master.master.generate(request())
            }
            #expect(later?.code == .modelNotCovered)
        }
    }

    @Test("Where the second answer is another one, the request fails and says so")
    func divergence() async throws {
        let reached = Signal()
        let delivered = Signal()
        let forever = Signal()
        var dying = Script()
        dying.before = { number in
            guard number == 5 else { return }
            reached.set()
            try await forever.wait()
        }
        var other = Script()
        other.words = { _ in ["something ", "else"] }
        try await withMaster { [dying, other] master in
            let first = TestWorker("first", weight: 1000, script: dying)
            let second = TestWorker("second", script: other)
            try await start([first, second], master)
            let stream = try await master.master.generate(request())
            let death = Task {
                try await reached.wait()
                // Before, the client would have nothing that the second answer could differ from.
                try await delivered.wait()
                first.stop()
            }
            let error = await #expect(throws: InferenceError.self) {
                for try await event in stream { if case .text = event { delivered.set() } }
            }
            #expect(error?.code == .segmentLost)
            #expect(error?.message.contains("same answer") == true)
            try await death.value
            #expect(master.master.statistics().activeJobs == 0)
            #expect(master.master.statistics().completedJobs == 0)
            second.stop()
        }
    }

    @Test("A worker that cannot is passed over; a request that is wrong is wrong at once")
    func failures() async throws {
        var full = Script()
        full.start = { _ in throw InferenceError(.noCapacity, "no room") }
        var strict = Script()
        let asked = Flag()
        strict.start = { request in
            if case .text("hello") = request.prompt { return }
            asked.set()
            throw InferenceError.badRequest("prompt", "is not what it should be")
        }
        try await withMaster { [full, strict] master in
            let first = TestWorker("first", weight: 1000, script: full)
            let second = TestWorker("second", script: strict)
            try await start([first, second], master)
            #expect(try await collect(master.master.generate(request())).text == answer())
            #expect(master.node(first)?.completedJobs == 0)
            #expect(master.node(second)?.completedJobs == 1)
            first.stop()
            try await eventually { master.master.clients().count == 1 }
            let error = await #expect(throws: InferenceError.self) {
                _ = try await master.master.generate(GenerationRequest(model: "tiny", prompt: .text("nonsense")))
            }
            #expect(asked.isSet)
            #expect(error?.code == .badRequest)
            #expect(error?.parameter == "prompt")
            #expect(master.master.statistics().activeJobs == 0)
            second.stop()
        }
    }

    @Test("A worker that fails after it began is passed over as well, and a full cluster says so")
    func everybodyFull() async throws {
        var full = Script()
        full.start = { _ in throw InferenceError(.noCapacity, "no room") }
        try await withMaster { [full] master in
            let workers = (1...2).map { TestWorker("w\($0)", script: full) }
            try await start(workers, master)
            let error = await #expect(throws: InferenceError.self) {
                _ = try await master.master.generate(request())
            }
            #expect(error?.code == .noCapacity)
            #expect(master.master.statistics().activeJobs == 0)
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

    @Test("A revoked worker loses its job to another")
    func revokedInJob() async throws {
        let reached = Signal()
        let forever = Signal()
        var held = Script()
        held.before = { number in
            guard number == 4 else { return }
            reached.set()
            try await forever.wait()
        }
        try await withMaster { [held] master in
            let (record, token) = try await master.token()
            let (_, other) = try await master.token("others")
            let first = TestWorker("first", weight: 1000, script: held)
            let second = TestWorker("second")
            try first.start(master.address, token: token)
            try second.start(master.address, token: other)
            try await eventually { master.master.clients().count == 2 }
            let stream = try await master.master.generate(request())
            let revocation = Task {
                try await reached.wait()
                _ = try await master.master.revoke(record.id)
            }
            #expect(try await collect(stream).text == answer())
            try await revocation.value
            #expect(master.node(second)?.completedJobs == 1)
            second.stop()
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
