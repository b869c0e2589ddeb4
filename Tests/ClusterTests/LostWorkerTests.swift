import Generation
import ShoalTestSupport
import Synchronization
import Testing

@testable import Cluster

@Suite("Jobs whose worker cannot, or is lost", .timeLimit(.minutes(1)))
struct LostWorkerTests: JobScene {
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
}
