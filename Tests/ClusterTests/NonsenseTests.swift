import Foundation
import Generation
import Inference
import Link
import ShoalTestSupport
import SwiftProtobuf
import Testing

@testable import Cluster

@Suite("Workers that answer nonsense", .timeLimit(.minutes(1)))
struct NonsenseTests {
    private static let ready = Shoal_V1_JobEvent.with { $0.ready = .init() }

    private static let segment = Shoal_V1_JobRouteSegment.with {
        $0.nodeID = Data(repeating: 1, count: 32)
        $0.endLayer = 4
    }

    private static func finished(_ change: (inout Shoal_V1_JobFinished) -> Void) -> Shoal_V1_JobEvent {
        .with {
            $0.finished.finishReason = "stop"
            change(&$0.finished)
        }
    }

    /// Each would end the master's process, or make it hold more than it has, if it were believed.
    static let nonsense: [Shoal_V1_JobEvent] = [
        .with { $0.toolCall.index = .max },
        .with { $0.toolCall.index = 1 << 30 },
        .with { $0.toolCall.index = 1024 },
        finished { $0.promptMilliseconds = .nan },
        finished { $0.decodeMilliseconds = .infinity },
        finished { $0.decodeMilliseconds = -1 },
        finished { $0.promptMilliseconds = .greatestFiniteMagnitude },
        finished { $0.finishReason = "boredom" },
        finished { $0.route = Array(repeating: segment, count: 257) },
        .with { $0.started.route = [.init()] },
        .with { $0.started.requestID = String(repeating: "1", count: 1000) },
        .with { $0.started.model = "tiny\r\nx: y" },
    ]

    @Test("What no worker can mean is not believed", arguments: nonsense.indices)
    func events(index: Int) throws {
        let hostname = try #require(Hostname("rude"))
        #expect(throws: Violation.self) { try GenerationEvent(Self.nonsense[index], hostname: hostname) }
    }

    @Test("What is at the edge is believed")
    func edges() throws {
        let hostname = try #require(Hostname("rude"))
        let call = try #require(try GenerationEvent(.with { $0.toolCall.index = 1023 }, hostname: hostname))
        var delivered = DeliveredAnswer()
        let taken = try delivered.take(call)
        #expect(taken == nil)
        let route = Array(repeating: Self.segment, count: 256)
        #expect(try GenerationEvent(Self.finished { $0.route = route }, hostname: hostname) != nil)
        let failure = InferenceError(
            .with {
                $0.code = "engine_failed"
                $0.message = String(repeating: "x", count: 100_000)
                $0.hint = "restart it"
            })
        #expect(failure.code == .engineFailed)
        #expect(failure.message.count == 500)
        #expect(failure.hint == "restart it")
    }

    @Test("Another worker answers in the place of one that answers nonsense", arguments: [0, 3, 8])
    func replaced(index: Int) async throws {
        try await answeredByTheOther(
            RudeWorker([Self.ready, .with { $0.started.model = "tiny" }, Self.nonsense[index]]), rules: .quick)
    }

    @Test(
        "Another worker answers in the place of one that takes a job and says no more of it",
        arguments: [[], [ready], [ready, .with { $0.started.model = "tiny" }]])
    func silent(answer: [Shoal_V1_JobEvent]) async throws {
        var rules = ClusterRegistry.Rules.quick
        rules.jobSilence = .seconds(1)
        try await answeredByTheOther(RudeWorker(answer, ends: false), rules: rules)
    }

    @Test("Another worker answers in the place of one whose answer has no end")
    func endless() async throws {
        var rules = ClusterRegistry.Rules.quick
        rules.maximumAnswerBytes = 32 << 10
        let part = Shoal_V1_JobEvent.with { $0.text.tokens = Array(repeating: .with { $0.token = 1 }, count: 10) }
        let rude = RudeWorker([Self.ready] + Array(repeating: part, count: 1000))
        try await withMaster(rules: rules) { master in
            let (_, token) = try await master.token()
            try await rude.start(master, token: token)
            let error = await #expect(throws: InferenceError.self) {
                for try await _ in try await master.master.generate(request()) {}
            }
            #expect(error?.message.contains("no end") == true)
            rude.stop()
        }
    }

    @Test("Vectors that nobody asked for, or that are none, are refused", arguments: 0..<4)
    func vectors(index: Int) async throws {
        let parts: [Shoal_V1_JobEvent] = [
            .with { $0.embeddings.embeddings = Array(repeating: .with { $0.vector = [1] }, count: 3) },
            .with {
                $0.embeddings.embeddings = [.with { $0.vector = [1] }, .with { $0.vector = [1, 2] }]
                $0.embeddings.isLast = true
            },
            .with {
                $0.embeddings.embeddings = [.with { $0.vector = [1] }, .with { $0.vector = [.nan] }]
                $0.embeddings.isLast = true
            },
            .with {
                $0.embeddings.embeddings = Array(
                    repeating: .with { $0.vector = [Float](repeating: 0, count: 1 << 18) }, count: 2)
                $0.embeddings.isLast = true
            },
        ]
        let rude = RudeWorker([Self.ready, parts[index]])
        try await withMaster { master in
            let (_, token) = try await master.token()
            try await rude.start(master, token: token)
            let error = await #expect(throws: InferenceError.self) {
                _ = try await master.master.embed(
                    EmbeddingRequest(model: "tiny", inputs: [.text("a"), .text("b")]))
            }
            #expect(error?.message.contains("vectors") == true)
            #expect(master.master.statistics().completedJobs == 0)
            rude.stop()
        }
    }

    private func request() -> GenerationRequest {
        var sampling = Sampling()
        sampling.seed = 7
        return GenerationRequest(model: "tiny", prompt: .text("hello"), sampling: sampling)
    }

    private func answeredByTheOther(_ rude: RudeWorker, rules: ClusterRegistry.Rules) async throws {
        try await withMaster(rules: rules) { master in
            let (_, token) = try await master.token()
            let honest = TestWorker("honest")
            try honest.start(master.address, token: token)
            try await eventually { master.node(honest) != nil }
            try await rude.start(master, token: token)
            var received = Received()
            for try await event in try await master.master.generate(request()) { received.take(event) }
            #expect(received.text == (0..<20).map { "7-\($0) " }.joined())
            #expect(received.isFinished)
            #expect(master.node(honest)?.completedJobs == 1)
            #expect(master.master.statistics().completedJobs == 1)
            rude.stop()
            honest.stop()
        }
    }
}
