import Generation
import Identifiers
import Inference
import Link
import SwiftProtobuf
import Synchronization
import Testing

struct FailoverTests {
    private static let answer = "defghijklm"

    /// Ways in which a segment can let a session down after four tokens.
    private static let mishaps: [(name: String, act: FakeEngine.Act)] = [
        ("silence", .fallSilent), ("an ended stream", .endStream), ("a broken stream", .breakStream),
        ("a computation that fails", .fail(.failureCompute, "broken", node: nil)),
        ("a token that is not in the vocabulary", .send(.with { $0.token = .with { $0.token = 100_000 } })),
        ("a second opening", .send(.with { $0.opened = .init() })),
    ]

    @Test(arguments: mishaps.indices)
    func `the answer goes on elsewhere as if nothing had happened`(mishap: Int) async throws {
        let script = FakeEngine.Script(afterTokens: (4, Self.mishaps[mishap].act))
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script), try FakeSwarm.node(3, 2, 4),
        ])
        let list = EventList()
        let begin = ContinuousClock.now
        let ending = try await swarm.serving {
            try await swarm.run(FakeSwarm.input(), silenceLimit: .seconds(1), into: list)
        }
        #expect(list.text == Self.answer, "after \(Self.mishaps[mishap].name)")
        #expect(list.outline == ["started", "text", "rerouted", "text", "finished"])
        #expect(list.tokens.map(\.textOffset) == Array(0..<10))
        #expect(ending.reroutes == 1)
        #expect(ending.result.usage.completionTokens == 10)
        #expect(ending.result.route.map { $0.node.bytes[0] } == [1, 3])
        #expect(swarm.investigated.map { $0.bytes[0] } == [2])
        #expect(begin.duration(to: .now) < .seconds(5))
        let again = try #require(swarm.nodes[2].engine.opens.first)
        #expect(again.prompt.count == 7 && again.producedTokens == 4 && again.maximumTokens == 6)
        // The first segment stayed, in a session of its own.
        #expect(Set(swarm.nodes[0].engine.opens.map(\.sessionID)).count == 2)
    }

    @Test func `a segment that blames its neighbour is believed`() async throws {
        let blame = FakeEngine.Act.fail(.failureNeighbourLost, "gone", node: try FakeSwarm.id(1))
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, .init(afterTokens: (2, blame))),
            try FakeSwarm.node(3, 0, 2),
        ])
        // The planning node itself is the one that is blamed: its engine is started again.
        let list = EventList()
        let ending = try await swarm.serving { [swarm] in
            let ending = try await withThrowingTaskGroup(of: GenerationSession.Ending.self) { group in
                group.addTask { try await swarm.run(FakeSwarm.input(maximum: 4), into: list) }
                for await _ in list.ticks where list.text.count == 2 { break }
                swarm.nodes[1].engine.script.withLock { $0.times = 0 }
                return try #require(try await group.next())
            }
            return ending
        }
        #expect(list.text == "defg")
        #expect(swarm.investigated.first?.bytes[0] == 1)
        #expect(ending.reroutes >= 1)
    }

    @Test func `the planning node's own engine is tried again`() async throws {
        let script = FakeEngine.Script(afterTokens: (3, .breakStream), times: 1)
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, script), try FakeSwarm.node(2, 0, 4)])
        let list = EventList()
        let ending = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(ending.result.route.map { $0.node.bytes[0] } == [1])
    }

    @Test func `a failed peer gets another chance when nobody else has its layers`() async throws {
        let script = FakeEngine.Script(afterTokens: (3, .breakStream), times: 1)
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script)])
        let list = EventList()
        _ = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(list.outline == ["started", "text", "rerouted", "text", "finished"])
    }

    @Test func `when nobody can take over, the error says so`() async throws {
        let script = FakeEngine.Script(afterTokens: (3, .breakStream))
        let swarm = FakeSwarm(
            nodes: [try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script)], mortals: [try FakeSwarm.id(2)])
        let error = await #expect(throws: InferenceError.self) {
            _ = try await swarm.serving { try await swarm.run(FakeSwarm.input()) }
        }
        #expect(error?.code == .segmentLost)
        #expect(error?.message.contains("2..<4") == true)
    }

    @Test func `an engine that fails again and again is given up`() async throws {
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, .init(onOpen: .breakStream))])
        let error = await #expect(throws: InferenceError.self) {
            _ = try await swarm.serving { try await swarm.run(FakeSwarm.input()) }
        }
        #expect(error?.code == .segmentLost)
        #expect(swarm.nodes[0].engine.opens.count <= 6)
    }

    @Test func `a failure before the first token is no news to the client`() async throws {
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, .init(onOpen: .breakStream)),
            try FakeSwarm.node(3, 2, 4),
        ])
        let list = EventList()
        _ = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(list.outline == ["started", "text", "finished"])
    }

    @Test func `an engine that neither speaks nor answers pings is found out in time`() async throws {
        let script = FakeEngine.Script(onOpen: .fallSilent, answersPings: false)
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script), try FakeSwarm.node(3, 2, 4),
        ])
        let begin = ContinuousClock.now
        let list = EventList()
        _ = try await swarm.serving {
            try await swarm.run(FakeSwarm.input(), silenceLimit: .seconds(1), into: list)
        }
        #expect(list.text == Self.answer)
        #expect(begin.duration(to: .now) < .seconds(5))
    }

    @Test func `a busy window is asked again`() async throws {
        let script = FakeEngine.Script(onOpen: .fail(.failureBusy, "no place", node: nil), times: 2)
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, script)])
        let list = EventList()
        let ending = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(ending.reroutes == 0)
        #expect(swarm.nodes[0].engine.opens.count == 3)
    }

    @Test func `a window that was unloaded meanwhile is loaded again`() async throws {
        let script = FakeEngine.Script(onOpen: .fail(.failureWindowUnloaded, "gone", node: nil), times: 1)
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script)])
        let list = EventList()
        _ = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(swarm.investigated.isEmpty)
    }

    @Test func `stop texts and offsets carry over a failure`() async throws {
        let script = FakeEngine.Script(afterTokens: (4, .breakStream))
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script), try FakeSwarm.node(3, 2, 4),
        ])
        var input = FakeSwarm.input()
        // Its first letter is the last one before the failure.
        input.stop = ["ghi"]
        let list = EventList()
        let ending = try await swarm.serving { [input] in try await swarm.run(input, into: list) }
        #expect(list.text == "def")
        #expect(ending.result.finishReason == .stop)
    }

    private static func inputWithGrammar() -> SessionInput {
        var input = FakeSwarm.input()
        input.sampling.grammar = "root ::= [a-z]+"
        return input
    }

    @Test func `a request with a grammar that ends its engine is tried once more, on no second node, and then fails`()
        async throws
    {
        let script = FakeEngine.Script(afterTokens: (2, .breakStream))
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script), try FakeSwarm.node(3, 2, 4, script),
        ])
        let input = Self.inputWithGrammar()
        let error = await #expect(throws: InferenceError.self) {
            _ = try await swarm.serving { try await swarm.run(input) }
        }
        #expect(error?.code == .requestEndedEngine)
        #expect(swarm.nodes.map(\.engine.opens.count) == [2, 2, 0])
    }

    @Test func `a request with a grammar goes on when its engine ended once`() async throws {
        let script = FakeEngine.Script(afterTokens: (2, .breakStream), times: 1)
        let swarm = FakeSwarm(nodes: [
            try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, script), try FakeSwarm.node(3, 2, 4),
        ])
        let input = Self.inputWithGrammar()
        let list = EventList()
        _ = try await swarm.serving { try await swarm.run(input, into: list) }
        #expect(list.text == Self.answer)
        #expect(swarm.nodes.map(\.engine.opens.count) == [2, 2, 0])
    }

    @Test func `a request with a grammar goes on elsewhere when its node is gone`() async throws {
        let swarm = FakeSwarm(
            nodes: [
                try FakeSwarm.node(1, 0, 2), try FakeSwarm.node(2, 2, 4, .init(afterTokens: (2, .breakStream))),
                try FakeSwarm.node(3, 2, 4),
            ], mortals: [try FakeSwarm.id(2)])
        let input = Self.inputWithGrammar()
        let list = EventList()
        let ending = try await swarm.serving { try await swarm.run(input, into: list) }
        #expect(list.text == Self.answer)
        #expect(ending.result.route.map { $0.node.bytes[0] } == [1, 3])
    }

    @Test func `a request without a grammar is blamed for nothing`() async throws {
        let script = FakeEngine.Script(afterTokens: (1, .breakStream), times: 2)
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, script)])
        let list = EventList()
        _ = try await swarm.serving { try await swarm.run(FakeSwarm.input(), into: list) }
        #expect(list.text == Self.answer)
        #expect(swarm.nodes[0].engine.opens.count == 3)
    }
}
