import GGUF
import Generation
import Inference
import Link
import ShoalTestSupport
import Testing

@testable import Cluster

/// What a client has when it puts all events together.
struct Received: Equatable {
    var text = ""
    var reasoning = ""
    var calls: [Int: [String]] = [:]
    var tokens: [Int32] = []
    var isFinished = false

    mutating func take(_ event: GenerationEvent) {
        switch event {
        case .text(let text, let tokens):
            self.text += text
            self.tokens += tokens.map(\.token)
        case .reasoning(let text): reasoning += text
        case .toolCall(let delta):
            var call = calls[delta.index] ?? [delta.id, "", ""]
            call[1] += delta.name ?? ""
            call[2] += delta.argumentsFragment
            calls[delta.index] = call
        case .finished: isFinished = true
        case .started, .rerouted: break
        }
    }
}

@Suite("Answers that another worker goes on with")
struct DeliveredAnswerTests {
    static func info(_ token: Int32) -> TokenInfo {
        TokenInfo(token: token, bytes: [], logProbability: nil, top: [], textOffset: 0)
    }

    static let finished = GenerationEvent.finished(
        GenerationResult(
            finishReason: .stop, usage: TokenUsage(promptTokens: 1, completionTokens: 1, cachedTokens: 0),
            timings: GenerationTimings(promptMilliseconds: 0, decodeMilliseconds: 0), route: []))

    /// One answer, with ids of tool calls that differ from run to run.
    private static func answer(run: String) -> [GenerationEvent] {
        [
            .reasoning("I should "), .reasoning("look it up."), .text("", [info(1)]),
            .text("Über", [info(2), info(3)]),
            .text(" das Wetter: ", [info(4)]),
            .toolCall(ToolCallDelta(index: 0, id: "\(run)-a", name: "weather", argumentsFragment: "")),
            .toolCall(ToolCallDelta(index: 0, id: "\(run)-a", name: nil, argumentsFragment: "{\"city\":")),
            .toolCall(ToolCallDelta(index: 0, id: "\(run)-a", name: nil, argumentsFragment: "\"Köln\"}")),
            .toolCall(ToolCallDelta(index: 1, id: "\(run)-b", name: "time", argumentsFragment: "{}")),
            .text("Gut.", [info(5)]), finished,
        ]
    }

    private static let whole: Received = {
        var received = Received()
        for event in answer(run: "first") { received.take(event) }
        return received
    }()

    @Test("Wherever the first worker is lost, the client has one whole answer", arguments: 0...10)
    func everyPlace(delivered count: Int) throws {
        var answer = DeliveredAnswer()
        var received = Received()
        for event in Self.answer(run: "first").prefix(count) {
            received.take(try #require(try answer.take(event)))
        }
        answer.restart()
        for event in Self.answer(run: "second") { if let new = try answer.take(event) { received.take(new) } }
        var expected = Self.whole
        for index in 0..<2 where count <= [5, 8][index] {
            expected.calls[index]?[0] = "second-\("ab".map { $0 }[index])"
        }
        #expect(received == expected)
    }

    @Test("How the answer is cut into events does not matter", arguments: [1, 2, 3, 5, 8] as [UInt64])
    func otherCuts(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let text = "Über das Wetter in Köln weiß niemand etwas. 天気はいいです。"
        func cuts() -> [GenerationEvent] {
            var rest = text[...]
            var events: [GenerationEvent] = []
            while !rest.isEmpty {
                let count = Int.random(in: 1...4, using: &random)
                events.append(.text(String(rest.prefix(count)), []))
                rest = rest.dropFirst(count)
            }
            return events + [Self.finished]
        }
        var answer = DeliveredAnswer()
        var received = Received()
        for _ in 0..<4 {
            answer.restart()
            let events = cuts()
            for event in events.prefix(Int.random(in: 0..<events.count, using: &random)) {
                if let new = try answer.take(event) { received.take(new) }
            }
        }
        answer.restart()
        for event in cuts() { if let new = try answer.take(event) { received.take(new) } }
        #expect(received.text == text, "seed \(seed)")
        #expect(received.isFinished)
    }

    @Test("Another answer is noticed where it differs, and nothing of it is delivered")
    func divergence() throws {
        let delivered: [GenerationEvent] = [.text("one ", [Self.info(1)]), .text("two", [Self.info(2)])]
        let others: [[GenerationEvent]] = [
            [.text("one too", [])], [.text("one ", [Self.info(7)])], [.reasoning("one ")],
            [.text("one ", [Self.info(1)]), Self.finished],
            [.toolCall(ToolCallDelta(index: 0, id: "x", name: "f", argumentsFragment: ""))],
            [
                .text("one ", [Self.info(1)]),
                .toolCall(ToolCallDelta(index: 0, id: "x", name: "f", argumentsFragment: "")),
            ],
        ]
        for other in others {
            var answer = DeliveredAnswer()
            for event in delivered { _ = try answer.take(event) }
            answer.restart()
            for event in other.dropLast() {
                var received = Received()
                if let new = try answer.take(event) { received.take(new) }
                #expect(received == Received())
            }
            let last = try #require(other.last)
            #expect(throws: DeliveredAnswer.Divergence.self) { try answer.take(last) }
        }
    }
}
