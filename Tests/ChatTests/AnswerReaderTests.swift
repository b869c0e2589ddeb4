import JSON
import Testing

@testable import Engine

@Suite("Answers as they grow")
struct AnswerReaderTests {
    /// The form of a model that thinks and calls, by ChatML and `<tool_call>`.
    private static func form(template: String = "Qwen-Qwen3-0.6B", tools: JSONValue = tools) throws -> String {
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source(template), beginningOfText: "", endOfText: ""))
        let conversation = try Conversation(messages: [["role": "user", "content": "Hello"]], tools: tools)
        return try #require(try prompter.prompt(conversation, ChatOptions(nowUnixSeconds: 0)).form)
    }

    private static let tools: JSONValue = [
        [
            "type": "function",
            "function": [
                "name": "look",
                "parameters": ["type": "object", "properties": ["at": ["type": "string"]], "required": ["at"]],
            ],
        ]
    ]

    @Test(
        "What is no call in the model's form stays as far as it was understood, or is text",
        arguments: [
            "Just text", "<tool_call>\n{\"name\": \"unknown\", \"arguments\": {}}\n</tool_call>",
            "<tool_call>\n{\"arguments\": {}, \"name\": \"look\"}\n</tool_call>", "<tool_call>\nnonsense",
            "<tool_call>", "{\"a\": 1}", "<think>\nthoughts without end", "",
            "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"Z",
            "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"Z\"}}\n</tool_call>\nand text behind",
        ])
    func unexpected(answer: String) throws {
        let form = try Self.form()
        let whole = try AnswerRoundTripTests.read(answer, form: form, size: .max)
        for size in [1, 2, 7] {
            let message = try AnswerRoundTripTests.read(answer, form: form, size: size)
            #expect(message.names == whole.names, "in pieces of \(size)")
            #expect(message.arguments == whole.arguments)
        }
        let said = whole.content + whole.reasoning + whole.arguments.joined()
        // Of a call's mark alone nothing is left.
        #expect(answer.isEmpty || answer == "<tool_call>" || !said.isEmpty)
    }

    @Test("Characters are never cut, and bytes that are none become U+FFFD")
    func characters() throws {
        let form = try Self.form()
        let bytes = Array("Zürich ☀ 😀".utf8) + [0xFF, 0xE2, 0x98] + Array("ok".utf8) + [0xF0, 0x9F]
        let reader = try AnswerReader(form: form)
        var text = ""
        for (index, byte) in bytes.enumerated() {
            for case .content(let more) in try reader.append([byte], isLast: index == bytes.count - 1) {
                if index < bytes.count - 7 { #expect(!more.contains("\u{FFFD}")) }
                text += more
            }
        }
        #expect(text == String(decoding: bytes, as: UTF8.self))
    }

    @Test("Long answers are looked at seldom enough, and lose nothing")
    func long() throws {
        let form = try Self.form()
        let line = "A line of some length, with <b> and {c}.\n"
        let text =
            "<think>\n" + String(repeating: line, count: 1_000) + "</think>\n\n" + String(repeating: line, count: 4_000)
        let clock = ContinuousClock()
        let begin = clock.now
        let message = try AnswerRoundTripTests.read(text, form: form, size: 5)
        #expect(message.reasoning.utf8.count >= 41_000 - 2)
        #expect(message.content == String(repeating: line, count: 4_000))
        #expect(clock.now - begin < .seconds(20))
    }

    @Test("An answer that never ends is an error of its own kind")
    func limit() throws {
        let reader = try AnswerReader(form: Self.form())
        _ = try reader.append(Array(repeating: UInt8(ascii: "a"), count: 8 << 20), isLast: false)
        let error = #expect(throws: ChatError.self) { try reader.append([0x61], isLast: false) }
        #expect(error?.code == .limit)
    }

    @Test(
        "Calls and texts that are nested too deep are not followed to their end", arguments: [900, 1_100, 100_000],
        ["<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": ", "Look: "])
    func deep(depth: Int, beginning: String) throws {
        let form = try Self.form()
        let text = beginning + String(repeating: "[", count: depth)
        for size in [Int.max, 300] {
            let message = try AnswerRoundTripTests.read(text, form: form, size: size)
            if beginning.hasPrefix("Look") { #expect(message.content == text) }
            #expect(!message.content.isEmpty || message.names == ["look"])
        }
    }

    @Test("Forms that are none are refused", arguments: ["", "{}", "[]", "x", #"{"format": 99}"#])
    func forms(form: String) {
        #expect(throws: ChatError.self) { try AnswerReader(form: form) }
    }

    @Test(
        "What the client has begun is continued, and not said again",
        arguments: [
            ("Qwen-Qwen3-0.6B", ""), ("Qwen-Qwen3-0.6B", "Because"), ("meta-llama-Llama-3.1-8B-Instruct", ""),
            ("openai-gpt-oss-120b", ""), ("google-gemma-2-2b-it", ""),
        ])
    func continued(template: String, reasoning: String) throws {
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source(template), beginningOfText: "<s>", endOfText: "</s>"))
        let begun: JSONValue = [
            "role": "assistant", "content": "The capital is", "reasoning_content": .string(reasoning),
        ]
        var options = ChatOptions(nowUnixSeconds: Reference.date)
        options.continues = true
        let prompt = try prompter.prompt(
            Conversation(messages: [["role": "user", "content": "Which?"], begun], tools: nil), options)
        #expect(prompt.text.hasSuffix("The capital is"))
        #expect(reasoning.isEmpty || prompt.text.contains(reasoning))
        guard let form = prompt.form else { return }
        let message = try AnswerRoundTripTests.read(" Bern.", form: form, size: 2)
        #expect(message.content == " Bern.")
        #expect(message.reasoning.isEmpty)
    }

    @Test("What is no text of the assistant's is not continued")
    func notContinued() throws {
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source("Qwen-Qwen3-0.6B"), beginningOfText: "", endOfText: ""))
        var options = ChatOptions(nowUnixSeconds: 0)
        options.continues = true
        let user: JSONValue = ["role": "user", "content": "x"]
        #expect(throws: ChatError.self) { try prompter.prompt(Conversation(messages: [user], tools: nil), options) }
        // An empty beginning is none.
        let empty = try prompter.prompt(
            Conversation(messages: [user, ["role": "assistant", "content": ""]], tools: nil), options)
        options.continues = false
        #expect(try prompter.prompt(Conversation(messages: [user], tools: nil), options).text == empty.text)
    }
}
