import GGUF
import Generation
import Inference
import Link
import SwiftProtobuf
import Synchronization
import Testing

struct GenerationSessionTests {
    /// What the alphabet's model says after three letters.
    private static let answer = "defghijklm"

    @Test func `one node answers, and the events come in order`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, .init(reusableTokens: 2))])
        let list = EventList()
        let ending = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(list.outline == ["started", "text", "finished"])
        #expect(list.tokens.map(\.textOffset) == Array(0..<10))
        #expect(list.tokens.allSatisfy { $0.logProbability == nil })
        #expect(ending.result.finishReason == .length)
        #expect(ending.result.usage == TokenUsage(promptTokens: 3, completionTokens: 10, cachedTokens: 2))
        #expect(ending.result.route.map(\.isLocal) == [true])
        #expect(!ending.isForwarded)
        let open = try #require(swarm.nodes[0].engine.opens.first)
        #expect(!open.hasNext && !open.hasFirst && open.hasSampling && open.sessionID.count == 16)
    }

    @Test func `segments learn of each other, and start together with what all still have`() async throws {
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2, .init(reusableTokens: 3)),
            try FakeSwarm.node(2, 2, 4, .init(reusableTokens: 1)),
        ])
        let list = EventList()
        let ending = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(ending.isForwarded)
        #expect(ending.result.usage.cachedTokens == 1)
        #expect(ending.result.route.map { "\($0.nickname) \($0.layers)" } == ["node 1 0..<2", "node 2 2..<4"])
        let first = try #require(swarm.nodes[0].engine.opens.first)
        let last = try #require(swarm.nodes[1].engine.opens.first)
        #expect(first.next.addresses == ["127.0.0.1:2"] && !first.hasFirst && !first.hasSampling)
        #expect(last.first.addresses == ["127.0.0.1:1"] && !last.hasNext && last.hasSampling)
        #expect(first.sessionID == last.sessionID)
        #expect(swarm.nodes.map { $0.engine.journal.withLock { $0.starts } } == [[1], [1]])
    }

    @Test func `nothing is reused when the prompt cache is off`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, .init(reusableTokens: 3))])
        var input = FakeSwarm.input()
        input.cachePrompt = false
        let ending = try await swarm.serving { [input] in try await swarm.run(input) }
        #expect(ending.result.usage.cachedTokens == 0)
        #expect(swarm.nodes[0].engine.journal.withLock { $0.starts } == [0])
        #expect(swarm.nodes[0].engine.opens.first?.cachePrompt == false)
    }

    @Test func `a stop text ends the session and frees it`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4)])
        var input = FakeSwarm.input()
        input.stop = ["hi"]
        let list = EventList()
        let ending = try await swarm.serving { [input] in
            let ending = try await swarm.run(input, into: list)
            for node in swarm.nodes {
                var ends = node.engine.ends.makeAsyncIterator()
                _ = await ends.next()
            }
            return ending
        }
        #expect(list.text == "defg")
        #expect(ending.result.finishReason == .stop)
        #expect(swarm.nodes.map { $0.engine.journal.withLock { $0.running } } == [0, 0])
    }

    @Test func `an end-of-generation token ends the answer and is not part of the text`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, .init(endsAfter: 4))])
        let list = EventList()
        let ending = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == "defg")
        #expect(ending.result.finishReason == .stop)
    }

    @Test func `cancelling the task frees the session in every segment`() async throws {
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, .init(afterTokens: (3, .fallSilent))),
        ])
        let list = EventList()
        try await swarm.serving {
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await swarm.run(FakeSwarm.input(), silenceLimit: .seconds(60), into: list) }
                for await _ in list.ticks where list.text.count == 3 { break }
                group.cancelAll()
                _ = await group.nextResult()
            }
            for node in swarm.nodes {
                var ends = node.engine.ends.makeAsyncIterator()
                _ = await ends.next()
            }
        }
        #expect(swarm.nodes.map { $0.engine.journal.withLock { $0.running } } == [0, 0])
        #expect(!list.outline.contains("finished"))
    }

    @Test func `an echoed prompt comes first, with its log-probabilities`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4)])
        var input = FakeSwarm.input(maximum: 2)
        input.sampling.topLogProbabilities = 0
        input.echo = .init(text: "abc", logProbabilities: true)
        let list = EventList()
        _ = try await swarm.serving { [input] in try await swarm.run(input, into: list) }
        #expect(list.text == "abcde")
        #expect(list.tokens.map(\.logProbability) == [nil, -1, -1, -0.5, -0.5])
        #expect(list.tokens.map(\.textOffset) == [0, 1, 2, 3, 4])
    }

    @Test func `an echoed prompt comes although nothing is generated`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4)])
        var input = FakeSwarm.input(maximum: 0)
        input.sampling.topLogProbabilities = 0
        input.echo = .init(text: "abc", logProbabilities: true)
        let list = EventList()
        let ending = try await swarm.serving { [input] in try await swarm.run(input, into: list) }
        #expect(list.text == "abc")
        #expect(list.tokens.count == 3)
        #expect(ending.result.usage.completionTokens == 0)
    }

    @Test func `log-probabilities that JSON cannot carry become very small`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, .init(logProbability: -.infinity))])
        var input = FakeSwarm.input(maximum: 1)
        input.sampling.topLogProbabilities = 0
        let list = EventList()
        _ = try await swarm.serving { [input] in try await swarm.run(input, into: list) }
        #expect(list.tokens.map(\.logProbability) == [-9999])
    }

    @Test func `a request that no engine takes fails at once, with the field to blame`() async throws {
        let script = FakeEngine.Script(onOpen: .fail(.failureBadGrammar, "the grammar is wrong", node: nil))
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, script), try FakeSwarm.node(2, 0, 4)])
        let error = await #expect(throws: InferenceError.self) {
            _ = try await swarm.serving { try await swarm.run(FakeSwarm.input()) }
        }
        #expect(error?.code == .badRequest)
        #expect(error?.message.contains("the grammar is wrong") == true)
    }

    @Test func `a full cache at the context's end is the answer's end`() async throws {
        let script = FakeEngine.Script(afterTokens: (5, .fail(.failureContextFull, "full", node: nil)))
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, script)])
        var input = FakeSwarm.input()
        input.contextLength = 8
        let list = EventList()
        let ending = try await swarm.serving { [input] in try await swarm.run(input, into: list) }
        #expect(list.text == "defgh")
        #expect(ending.result.finishReason == .length)
    }

    @Test func `a plan that cannot be made is refused with the reason`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 3, 4)])
        let error = await #expect(throws: InferenceError.self) {
            _ = try await swarm.serving { try await swarm.run(FakeSwarm.input()) }
        }
        #expect(error?.code == .modelNotCovered)
        #expect(error?.message.contains("2..<3") == true)
    }
}
