import Testing

@testable import Engine

@Suite("Where a grammar begins to hold")
struct GrammarTriggerTests {
    /// A text, what it is looked through for, and how many of its bytes are left from the trigger's first on; nil where there is none.
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let triggers: [String]
        var start = "<think>"
        var ends = ["</think>"]
        var startsInReasoning = false
        let rest: Int?

        var testDescription: String { "\(text) \(triggers)" }
    }

    static let cases = [
        Case(text: "Well. <tool_call>", triggers: ["<tool_call>"], rest: 11),
        Case(text: "Well. <tool_cal", triggers: ["<tool_call>"], rest: nil),
        Case(text: "<<tool_call>", triggers: ["<tool_call>"], rest: 11),
        Case(text: "aaab", triggers: ["aab"], rest: 3),
        Case(text: "a [CALLS]", triggers: ["<tool_call>", "[CALLS]"], rest: 7),
        Case(text: "<think>a <tool_call> b", triggers: ["<tool_call>"], rest: nil),
        Case(text: "<think>a <tool_call> b</think><tool_call>", triggers: ["<tool_call>"], rest: 11),
        Case(text: "<think>a</think>b<think><tool_call></think>", triggers: ["<tool_call>"], rest: nil),
        Case(text: "a <tool_call>", triggers: ["<tool_call>"], startsInReasoning: true, rest: nil),
        Case(text: "a </think><tool_call>", triggers: ["<tool_call>"], startsInReasoning: true, rest: 11),
        Case(text: "<th</think>ink>", triggers: ["<think>"], startsInReasoning: true, rest: nil),
        Case(text: "tool</think>_call", triggers: ["tool_call"], startsInReasoning: true, rest: nil),
        Case(text: "x</think>", triggers: ["</think>"], startsInReasoning: true, rest: 8),
        Case(text: "x</think>{", triggers: ["think>{"], startsInReasoning: true, rest: 7),
        Case(text: "x[END]{", triggers: ["{"], ends: ["</think>", "[END]"], startsInReasoning: true, rest: 1),
        Case(text: "{", triggers: ["{"], start: "", ends: [], startsInReasoning: true, rest: 1),
        Case(text: "<think>{", triggers: ["{"], start: "<think>", ends: [], rest: 1),
        Case(text: "über \u{1F41F} ☞", triggers: ["\u{1F41F} ☞"], rest: 8),
        Case(text: "", triggers: ["{"], rest: nil),
        Case(text: "anything", triggers: [], rest: nil),
    ]

    @Test("The same place is found however the text comes in pieces", arguments: cases)
    func place(example: Case) throws {
        let bytes = Array(example.text.utf8)
        for length in 1...max(bytes.count, 1) {
            var trigger = GrammarTrigger(
                triggers: example.triggers, reasoningStart: example.start, reasoningEnds: example.ends,
                startsInReasoning: example.startsInReasoning)
            var found: Int?
            var taken = 0
            while found == nil, taken < bytes.count {
                let piece = bytes[taken..<min(taken + length, bytes.count)]
                found = trigger.take(piece)
                taken += piece.count
            }
            // In bytes of the text that has come so far, its piece's rest included.
            #expect(found == example.rest.map { $0 - (bytes.count - taken) }, "in pieces of \(length)")
        }
    }

    @Test("What comes after the trigger in one piece counts")
    func rest() {
        var trigger = GrammarTrigger(triggers: ["{"])
        #expect(trigger.take(Array("ab{cd".utf8)) == 3)
    }

    @Test("No more is kept of a long answer than the longest text has")
    func bounded() {
        var trigger = GrammarTrigger(triggers: ["<tool_call>"], reasoningStart: "<think>", reasoningEnds: ["</think>"])
        for _ in 0..<1000 { #expect(trigger.take(Array("no call at all, <tool".utf8)) == nil) }
        var other = GrammarTrigger(triggers: ["<tool_call>"], reasoningStart: "<think>", reasoningEnds: ["</think>"])
        #expect(other.take(Array("l, <tool".utf8.suffix(11))) == nil)
        #expect(trigger.take(Array("_call>".utf8)) == 11)
        #expect(MemoryLayout.size(ofValue: trigger) < 128)
    }
}
