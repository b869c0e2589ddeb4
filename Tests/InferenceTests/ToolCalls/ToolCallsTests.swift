import ChatTemplate
import Testing

@testable import Inference

@Suite("Tool calls in the text of models")
struct ToolCallsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let format: ToolCallFormat
        var reasoning: ReasoningFormat?
        var startsInReasoning = false
        let answer: String
        let expected: [OutputPiece]
        var testDescription: String { "\(format): \(answer)" }
    }

    @Test("An answer is taken apart", arguments: cases)
    func whole(_ example: Case) {
        #expect(pieces(example, cuts: []) == example.expected)
    }

    @Test("It does not matter where an answer is cut", arguments: cases)
    func anyCut(_ example: Case) {
        var random = SeededRandom(seed: UInt64(example.answer.utf8.count))
        let count = example.answer.unicodeScalars.count
        for cut in 0...count { #expect(pieces(example, cuts: [cut]) == example.expected, "cut at \(cut)") }
        for _ in 0..<20 {
            let cuts = (0..<Int.random(in: 2...12, using: &random)).map { _ in Int.random(in: 0...count, using: &random)
            }
            #expect(pieces(example, cuts: cuts.sorted()) == example.expected, "cut at \(cuts)")
        }
        #expect(pieces(example, cuts: Array(0...count)) == example.expected, "character by character")
    }

    @Test("Text that can be no marker is not held back")
    func promptness() {
        var parser = OutputParser(toolCalls: .hermes)
        #expect(parser.consume("Hello <b") == [.text("Hello <b")])
        #expect(parser.consume(" and <tool") == [.text(" and")])
        #expect(parser.consume("box>") == [.text(" <toolbox>")])
        #expect(parser.finish().isEmpty)
        #expect(!parser.hasToolCalls)
    }

    @Test("Ids have the form that the model's template wants", arguments: ToolCallFormat.allCases)
    func identifiers(format: ToolCallFormat) {
        let id = ToolCallIdentifiers().make(for: format)
        let isMistral = format == .mistral || format == .mistralNamed
        #expect(isMistral ? id.count == 9 : id.hasPrefix("call_") && id.count == 29)
        #expect(id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        #expect(id != ToolCallIdentifiers().make(for: format))
    }

    @Test(
        "The format is told from the template",
        arguments: [
            ("{{ '<tool_call>' }}{\"name\": , \"arguments\": }", ToolCallFormat.hermes),
            ("[TOOL_CALLS]{{ calls }}", .mistral), ("[TOOL_CALLS]name[ARGS]{}", .mistralNamed),
            ("<|start_header_id|>{\"name\": function name, \"parameters\": {} }", .llama),
            ("<tool_call><function=name><parameter=x>", .none), ("<|im_start|>{{ content }}", .none),
        ])
    func detection(template: String, format: ToolCallFormat) {
        #expect(ToolCallFormat.detect(template: template) == format)
    }

    @Test(
        "Reasoning that the prompt has begun is recognized",
        arguments: [("…assistant\n<think>\n", true), ("<think>\n\n</think>\n\n", false), ("…assistant\n", false)])
    func openReasoning(prompt: String, isOpen: Bool) {
        #expect(ReasoningFormat.think.isOpen(atEndOf: prompt) == isOpen)
    }

    @Test("Any mixture of markers, calls and text gives the same however it is cut", arguments: ToolCallFormat.allCases)
    func mixtures(format: ToolCallFormat) {
        var random = SeededRandom(seed: 7)
        let fragments = [
            "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>", "<think>",
            "</think>", "{", "}",
            "[", "]", "\"", "\\", " ", "\n", "\r\n", ";", "f", "é", "\u{301}",
            #"{"name": "f", "arguments": {"x": "}"}}"#,
            #"{"name": "g", "parameters": {}}"#, "Hello", "<",
        ]
        for _ in 0..<300 {
            let answer = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                fragments.randomElement(using: &random) ?? ""
            }
            .joined()
            var example = Case(format: format, reasoning: .think, answer: answer, expected: [])
            example.startsInReasoning = Bool.random(using: &random)
            let whole = pieces(example, cuts: [])
            let count = answer.unicodeScalars.count
            #expect(pieces(example, cuts: Array(0...count)) == whole, "\(answer.debugDescription)")
            let cuts = (0..<3).map { _ in Int.random(in: 0...count, using: &random) }.sorted()
            #expect(pieces(example, cuts: cuts) == whole, "\(answer.debugDescription) at \(cuts)")
            if format == .none {
                let plain = Case(format: .none, answer: answer, expected: answer.isEmpty ? [] : [.text(answer)])
                #expect(pieces(plain, cuts: cuts) == plain.expected)
            }
        }
    }

    // MARK: - Forced calls

    static let tools: [JSONValue] = [
        [
            "type": "function",
            "function": [
                "name": "weather",
                "parameters": ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]],
            ],
        ],
        ["type": "function", "function": ["name": "now"]],
    ]

    @Test(
        "A forced call is a call of the format, and nothing else",
        arguments: [
            (ToolCallFormat.hermes, #"<tool_call>{"name": "weather", "arguments": {"city": "Bonn"}}</tool_call>"#),
            (.llama, #"{"name": "weather", "parameters": {"city": "Bonn"}}"#),
            (.mistral, #"[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Bonn"}}]"#),
            (.mistralNamed, #"[TOOL_CALLS]weather[ARGS]{"city": "Bonn"}"#),
        ])
    func forced(format: ToolCallFormat, answer: String) throws {
        let grammar = try #require(try ToolCallGrammar.forcing(Self.tools, format: format))
        let matcher = try GrammarMatcher(grammar)
        #expect(matcher.accepts(answer))
        #expect(!matcher.accepts("Hello"))
        #expect(!matcher.accepts("Hello " + answer))
        #expect(!matcher.accepts(answer.replacing("city", with: "town")))
        let other = answer.replacing("weather", with: "now").replacing(#"{"city": "Bonn"}"#, with: "{}")
        #expect(matcher.accepts(other))
        var parser = OutputParser(toolCalls: format, toolNames: ["weather", "now"])
        let pieces = parser.consume(answer) + parser.finish()
        guard case .toolCall(let call) = pieces.first else {
            Issue.record("no call in \(pieces)")
            return
        }
        #expect(call.name == "weather")
        #expect(call.argumentsFragment == #"{"city":"Bonn"}"#)
        let named = try #require(try ToolCallGrammar.forcing(Self.tools, named: "now", format: format))
        #expect(try GrammarMatcher(named).accepts(other))
        #expect(try !GrammarMatcher(named).accepts(answer))
    }

    @Test("A forced call may follow reasoning")
    func forcedAfterReasoning() throws {
        let call = #"<tool_call>{"name":"now","arguments":{}}</tool_call>"#
        let open = try GrammarMatcher(
            #require(try ToolCallGrammar.forcing(Self.tools, format: .hermes, reasoning: .open(.think))))
        #expect(open.accepts("Hm < </b> </</think>\n\(call)"))
        #expect(!open.accepts(call))
        #expect(!open.accepts("Hm</think>no</think>\(call)"))
        let optional = try GrammarMatcher(
            #require(
                try ToolCallGrammar.forcing(
                    Self.tools, format: .hermes, allowsSeveral: true, reasoning: .optional(.think))))
        #expect(optional.accepts(call))
        #expect(optional.accepts("<think>Hm</think>\n\(call)\n\(call)"))
    }

    @Test("A tool that does not exist cannot be forced")
    func unknownTool() throws {
        #expect(throws: JSONSchemaError.self) {
            try ToolCallGrammar.forcing(Self.tools, named: "oracle", format: .hermes)
        }
        #expect(try ToolCallGrammar.forcing(Self.tools, format: .none) == nil)
    }

    // MARK: - Cases

    private func pieces(_ example: Case, cuts: [Int]) -> [OutputPiece] {
        var parser = OutputParser(
            toolCalls: example.format, reasoning: example.reasoning, startsInReasoning: example.startsInReasoning,
            toolNames: ["f", "g"], identifiers: ToolCallIdentifiers { _ in 0 })
        let scalars = Array(example.answer.unicodeScalars)
        var pieces: [OutputPiece] = []
        for (start, end) in zip([0] + cuts, cuts + [scalars.count]) {
            pieces += parser.consume(String(String.UnicodeScalarView(scalars[start..<end])))
        }
        return joined(pieces + parser.finish())
    }

    /// The pieces with neighbours of the same kind put together.
    private func joined(_ pieces: [OutputPiece]) -> [OutputPiece] {
        pieces.reduce(into: []) { result, piece in
            switch (result.last, piece) {
            case (.text(let before), .text(let more)): result[result.count - 1] = .text(before + more)
            case (.reasoning(let before), .reasoning(let more)): result[result.count - 1] = .reasoning(before + more)
            default: result.append(piece)
            }
        }
    }

    private static func call(
        _ index: Int, _ name: String, _ arguments: String, id: String = "call_aaaaaaaaaaaaaaaaaaaaaaaa"
    ) -> OutputPiece {
        .toolCall(ToolCallDelta(index: index, id: id, name: name, argumentsFragment: arguments))
    }

    static let cases: [Case] = [
        Case(
            format: .none, answer: "Hello <tool_call>{}</tool_call> \n",
            expected: [.text("Hello <tool_call>{}</tool_call> \n")]),
        Case(format: .hermes, answer: "  Hello\r\n\n", expected: [.text("  Hello\r\n\n")]),
        Case(format: .hermes, answer: "", expected: []),
        Case(format: .hermes, answer: "a < b <tool_", expected: [.text("a < b <tool_")]),
        Case(
            format: .hermes,
            answer: "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": \"</tool_call> }\\\"\"}}\n</tool_call>",
            expected: [call(0, "f", #"{"x":"</tool_call> }\""}"#)]),
        Case(
            format: .hermes,
            answer:
                "Let me see.\n\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"g\"}</tool_call>\n",
            expected: [.text("Let me see."), call(0, "f", "{}"), call(1, "g", "{}")]),
        Case(
            format: .hermes, answer: "<tool_call>{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}</tool_call> Done.",
            expected: [call(0, "f", #"{"x":1}"#), .text("Done.")]),
        Case(
            format: .hermes, answer: "<tool_call>{\"name\":\"f\",\"arguments\":{}}",
            expected: [call(0, "f", "{}")]),
        Case(
            format: .hermes,
            answer:
                "<tool_call>{\"name\":\"f\",\"arguments\":{}}\n<tool_call>{\"name\":\"g\",\"arguments\":{}}</tool_call>",
            expected: [call(0, "f", "{}"), call(1, "g", "{}")]),
        Case(
            format: .hermes, answer: "x <tool_call>{\"name\":\"f\",\"arguments\":{]}</tool_call> y",
            expected: [.text("x <tool_call>{\"name\":\"f\",\"arguments\":{]}</tool_call> y")]),
        Case(
            format: .hermes, answer: "Write <tool_call>like this</tool_call> or <tool_call>[1]",
            expected: [.text("Write <tool_call>like this</tool_call> or <tool_call>[1]")]),
        Case(
            format: .hermes, answer: "<tool_call>{\"name\":\"f\",\"argu",
            expected: [.text("<tool_call>{\"name\":\"f\",\"argu")]),
        Case(
            format: .hermes, reasoning: .think, answer: "<think>\nHm. <b>\n</think>\n\n21 °C.\n",
            expected: [.reasoning("Hm. <b>"), .text("21 °C.\n")]),
        Case(
            format: .hermes, reasoning: .think, startsInReasoning: true,
            answer: "Hm.\n</think>\n<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":[1,2]}}</tool_call>",
            expected: [.reasoning("Hm."), call(0, "f", #"{"a":[1,2]}"#)]),
        Case(
            format: .hermes, reasoning: .think, startsInReasoning: true, answer: "cut off </thi",
            expected: [.reasoning("cut off </thi")]),
        Case(format: .hermes, reasoning: .think, answer: "No <think> here", expected: [.text("No <think> here")]),
        Case(format: .none, reasoning: .think, answer: "<think></think>Hi", expected: [.text("Hi")]),
        Case(
            format: .none, reasoning: .bracketedThink, answer: "[THINK]Hm[/THINK]Hi",
            expected: [.reasoning("Hm"), .text("Hi")]),
        Case(
            format: .llama, answer: "{\"name\": \"f\", \"parameters\": {\"x\": 1.50}}",
            expected: [call(0, "f", #"{"x":1.5}"#)]),
        Case(
            format: .llama, answer: "\n\n{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}}",
            expected: [call(0, "f", "{}"), call(1, "g", "{}")]),
        Case(
            format: .llama, answer: "<|python_tag|>{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}",
            expected: [call(0, "f", "{}")]),
        Case(
            format: .llama, answer: "{\"name\": \"other\", \"parameters\": {}} is JSON",
            expected: [.text("{\"name\": \"other\", \"parameters\": {}} is JSON")]),
        Case(format: .llama, answer: "{\"name\": \"f\"}", expected: [.text("{\"name\": \"f\"}")]),
        Case(format: .llama, answer: "A {brace} and {", expected: [.text("A {brace} and {")]),
        Case(
            format: .llama, answer: "<|python_tag|>print(1)", expected: [.text("<|python_tag|>print(1)")]),
        Case(
            format: .mistral,
            answer:
                "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"x\": \"]\"}}, {\"name\": \"g\", \"arguments\": {}, \"id\": \"123456789\"}]",
            expected: [call(0, "f", #"{"x":"]"}"#, id: "aaaaaaaaa"), call(1, "g", "{}", id: "123456789")]),
        Case(format: .mistral, answer: "Sure. [TOOL_CALLS][1]", expected: [.text("Sure. [TOOL_CALLS][1]")]),
        Case(
            format: .mistralNamed,
            answer: "[TOOL_CALLS]f[ARGS]{\"x\": {\"y\": 1}}[TOOL_CALLS]g[CALL_ID]abcdefghi[ARGS]{}",
            expected: [call(0, "f", #"{"x":{"y":1}}"#, id: "aaaaaaaaa"), call(1, "g", "{}", id: "abcdefghi")]),
        Case(
            format: .mistralNamed, answer: "[TOOL_CALLS]f(1)", expected: [.text("[TOOL_CALLS]f(1)")]),
    ]
}
