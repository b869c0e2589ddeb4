import Generation
import JSON
import Testing

@testable import Engine

@Suite("Forms of tool calls")
struct CallFormTests {
    /// The templates for which the library's own form does not do.
    static let repaired: [String: CallForm] = [
        "MiniMax-M2": CallForm(repair: 1), "MiniMax-M1": CallForm(repair: 2),
        "Mistral-Small-3.2-24B-Instruct-2506": CallForm(repair: 3), "upstage-Solar-Open-100B": CallForm(repair: 4),
        "meetkai-functionary-medium-v3.2": CallForm(repair: 5),
        "ibm-granite-granite-3.3-2B-Instruct": CallForm(borrowed: .toolList),
    ]

    @Test("A repair is chosen where one is needed, and nowhere else", arguments: Reference.templates)
    func chosen(template: String) throws {
        let templates = try Self.templates(template)
        let form = CallFormCheck(templates: templates).chosen()
        if try Reference.answers.get()[template] != nil {
            #expect(form == Self.repaired[template] ?? CallForm())
        } else {
            #expect(form.borrowed != nil || form == CallForm(), "\(form)")
        }
    }

    @Test("Where a model can call, it can be made to", arguments: Reference.templates)
    func required(template: String) throws {
        let prompter = ChatPrompter(try Self.templates(template))
        let tools: JSONValue = [
            ["type": "function", "function": ["name": "first", "parameters": ["type": "object", "properties": [:]]]],
            [
                "type": "function",
                "function": ["name": "second", "parameters": ["type": "object", "properties": [:]]],
            ],
        ]
        let conversation = try Conversation(messages: [["role": "user", "content": "Hello"]], tools: tools)
        var options = ChatOptions(nowUnixSeconds: Reference.date)
        options.toolChoice = .named("second")
        let prompt = try prompter.prompt(conversation, options)
        #expect(prompt.grammar.contains("second"))
        #expect(!prompt.grammar.contains("tool-first"))
        #expect(prompt.triggers.isEmpty)
        #expect(prompt.text.contains("first"))
        #expect(prompt.form != nil)
        #expect(!prompt.grammar.contains("[0-9]{0,15}"))
    }

    @Test(
        "One call is all there is where more are not allowed", arguments: ["Qwen-Qwen3-0.6B", "google-gemma-2-2b-it"])
    func single(template: String) throws {
        let prompter = ChatPrompter(try Self.templates(template))
        let tools: JSONValue = [["type": "function", "function": ["name": "look"]]]
        let conversation = try Conversation(messages: [["role": "user", "content": "Hello"]], tools: tools)
        let call = "<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n</tool_call>"
        for (allows, count) in [(true, 2), (false, 1)] {
            var options = ChatOptions(nowUnixSeconds: Reference.date)
            options.allowsParallelCalls = allows
            let form = try #require(try prompter.prompt(conversation, options).form)
            let thought = template.hasPrefix("Qwen") ? "<think>\nSo.\n</think>\n\n" : ""
            let message = try AnswerRoundTripTests.read(thought + call + "\n" + call, form: form, size: 5)
            #expect(message.names == Array(repeating: "look", count: count))
        }
    }

    @Test(
        "Models whose templates know no calls are told of tools in text, and call in it",
        arguments: [
            "google-gemma-2-2b-it", "microsoft-Phi-3.5-mini-instruct", "llama-cpp-rwkv-world",
            "HuggingFaceTB-SmolLM3-3B",
            "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
        ])
    func told(template: String) throws {
        let prompter = ChatPrompter(try Self.templates(template))
        let tools: JSONValue = [["type": "function", "function": ["name": "look"]]]
        let conversation = try Conversation(messages: [["role": "user", "content": "Hello"]], tools: tools)
        let prompt = try prompter.prompt(conversation, ChatOptions(nowUnixSeconds: Reference.date))
        #expect(prompt.text.contains(#""name": "look""#))
        #expect(!prompt.grammar.isEmpty)
        #expect(prompt.triggers == ["<tool_call>\n"])
        let form = try #require(prompt.form)
        let call = "<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n</tool_call>"
        let isOpen = prompt.text.hasSuffix("<think>\n")
        #expect(prompt.reasoning?.isOpen == isOpen)
        let thought = isOpen ? "So.\n</think>\n\n" : "<think>\nSo.\n</think>\n\n"
        for size in [Int.max, 1, 7] {
            let message = try AnswerRoundTripTests.read(thought + "Here: " + call + "\n" + call, form: form, size: size)
            #expect(message.names == ["look", "look"])
            #expect(message.content.hasPrefix("Here:"))
            #expect(message.reasoning.hasPrefix("So."))
            let plain = try AnswerRoundTripTests.read(thought + "Hello.", form: form, size: size)
            #expect(plain.content == "Hello.")
        }
    }

    private static func templates(_ name: String) throws -> ChatTemplates {
        try ChatTemplates(source: Reference.source(name), beginningOfText: "<s>", endOfText: "</s>")
    }
}
