import Inference
import Link
import Testing

/// Answers that are more than text.
struct AnswerFormTests {
    private func answer(
        _ spoken: [String], form: OutputForm, failsAfter: Int? = nil
    ) async throws -> (list: EventList, result: GenerationResult) {
        var script = FakeEngine.Script(endsAfter: spoken.count)
        script.spoken = spoken
        var failing = script
        if let failsAfter { failing.afterTokens = (failsAfter, .breakStream) }
        failing.times = failsAfter == nil ? 0 : 1
        let swarm = FakeSwarm(nodes: [try FakeSwarm.node(1, 0, 4, failing)])
        var input = FakeSwarm.input(maximum: spoken.count + 1)
        input.output = form
        let list = EventList()
        let ending = try await swarm.serving { [input] in try await swarm.run(input, into: list) }
        return (list, ending.result)
    }

    private func calls(_ list: EventList) -> [ToolCallDelta] {
        list.events.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }
    }

    @Test(arguments: [nil, 1, 3, 5] as [Int?])
    func `a tool call comes out whole, also when its segment is lost in the middle`(failsAfter: Int?) async throws {
        let spoken = [
            "Let me see. ", "<tool_", "call>{\"name\": \"add\", ", "\"arguments\": {\"a\"", ": 1}}", "</tool_call>",
        ]
        let (list, result) = try await answer(spoken, form: OutputForm(toolCalls: .hermes), failsAfter: failsAfter)
        let call = try #require(calls(list).first)
        #expect(calls(list).count == 1)
        #expect(call.name == "add")
        #expect(call.argumentsFragment.filter { $0 != " " } == "{\"a\":1}")
        #expect(list.text.contains("Let me see."))
        #expect(!list.text.contains("tool_call"))
        #expect(result.finishReason == .toolCalls)
    }

    @Test func `control tokens that mark calls are read although they have no text`() async throws {
        var form = OutputForm(toolCalls: .mistral)
        form.markers = [200: Array("[TOOL_CALLS]".utf8)]
        let (list, result) = try await answer(["", "[{\"name\": \"add\", ", "\"arguments\": {}}]"], form: form)
        #expect(calls(list).map(\.name) == ["add"])
        #expect(list.text.isEmpty)
        #expect(result.finishReason == .toolCalls)
    }

    @Test func `reasoning comes apart from the answer`() async throws {
        let form = OutputForm(toolCalls: .none, reasoning: .think)
        let (list, result) = try await answer(["<think>", "Hm, ", "well.", "</think>", "Yes", "."], form: form)
        let reasoning = list.events.map { if case .reasoning(let text) = $0 { text } else { "" } }.joined()
        #expect(reasoning.contains("Hm, well."))
        #expect(list.text == "Yes.")
        #expect(result.finishReason == .stop)
        #expect(result.usage.completionTokens == 7)
    }
}
