import Generation
import JSON
import Testing

@testable import Engine

@Suite("Conversations as clients send them")
struct ConversationTests {
    @Test("Parts are joined, and what is missing is filled in")
    func reading() throws {
        let conversation = try Conversation(
            messages: [
                ["role": "system", "content": "One."],
                [
                    "role": "developer",
                    "content": [["type": "text", "text": "Two."], ["type": "text", "text": "Three."]],
                ],
                ["role": "user", "content": "Go.", "name": nil],
                [
                    "role": "assistant", "content": nil, "reasoning_content": nil,
                    "tool_calls": [
                        ["id": "a", "function": ["name": "look", "arguments": nil]], ["function": ["name": "see"]],
                    ],
                ],
                ["role": "tool", "tool_call_id": "a", "content": [["type": "text", "text": "Sun."]]],
                ["role": "assistant", "content": [["type": "refusal", "refusal": "No."]]],
            ],
            tools: [
                ["type": "function", "function": ["name": "look"]], ["function": ["name": "see", "parameters": [:]]],
            ])
        #expect(conversation.messages.map(\.role) == [.system, .user, .assistant, .tool, .assistant])
        #expect(conversation.messages.map(\.content) == ["One.\n\nTwo.\nThree.", "Go.", "", "Sun.", "No."])
        #expect(conversation.messages[2].calls.map(\.name) == ["look", "see"])
        #expect(Set(conversation.messages[2].calls.map(\.id)).count == 2)
        #expect(conversation.messages[3].name == "look")
        for tool in conversation.tools {
            #expect(tool["description"] == "")
            #expect(tool["parameters"] == ["type": "object", "properties": [:]])
        }
    }

    @Test("What cannot be told to a model is refused with its place")
    func refused() throws {
        let nothing = #expect(throws: ChatError.self) { try Conversation([], tools: []) }
        #expect(nothing?.message == "there are no messages")
        let image = ChatMessage(.user, parts: [.text("What is this?"), .image(.init(url: "data:,"))])
        let error = #expect(throws: ChatError.self) {
            try Conversation([ChatMessage(.user, "Look."), image], tools: [])
        }
        #expect(error?.code == .failed)
        #expect(error?.message.contains("messages[1]") == true)
    }

    @Test(
        "Arguments are objects where the template wants them, and texts where they are none",
        arguments: [
            ("", "{}", "{}"), (" \n", "{}", "{}"), (#"{"a":1.10}"#, #"{"a":1.10}"#, nil), ("{", nil, "{"),
            ("[1]", nil, "[1]"),
            ("3", nil, "3"),
        ] as [(String, String?, String?)])
    func arguments(sent: String, object: String?, text: String?) throws {
        let conversation = try Conversation(
            messages: [
                ["role": "user", "content": "x"],
                [
                    "role": "assistant",
                    "tool_calls": [["id": "a", "function": ["name": "f", "arguments": .string(sent)]]],
                ],
            ], tools: nil)
        let wanted = try Self.capabilities("{{ x.arguments.items() }}")
        var numbers = KeptNumbers { [] }
        var written = conversation.json(wanted, numbers: &numbers)[1]?["tool_calls"]?[0]?["function"]?["arguments"]
        if wanted.objectArguments, let object {
            #expect(numbers.restored(in: written?.serialized() ?? "") == object)
        }
        let texts = ChatCapabilities(["supports_object_arguments": false], source: "")
        written = conversation.json(texts, numbers: &numbers)[1]?["tool_calls"]?[0]?["function"]?["arguments"]
        #expect(written == .string(text ?? sent))
    }

    private static func capabilities(_ source: String) throws -> ChatCapabilities {
        ChatCapabilities(["supports_object_arguments": true], source: source)
    }

    @Test("A text before the end of raw reasoning may be left out by the template")
    func rawReasoning() throws {
        let conversation = try Conversation(
            messages: [
                ["role": "user", "content": "x </think> y"], ["role": "assistant", "content": "<think>a</think>b"],
            ],
            tools: nil)
        #expect(conversation.texts(reasoningEnds: []).map(\.text) == ["x </think> y", "b"])
    }
}

@Suite("Texts in prompts")
struct PromptTextsTests {
    @Test(
        "A text is found as it is, trimmed, and escaped",
        arguments: [
            ("a b", true), ("  a b\n", true), ("", true), (" \n ", true), ("b a", false), ("say \"hi\"\n", true),
            ("Zürich ☀", true), ("it's \"so\"\nnow", true), ("\"deep\" \\ line", true),
        ])
    func found(text: String, isFound: Bool) {
        var texts = PromptTexts(
            #"a b | say \"hi\" | Z\u00fcrich \u2600 | 'it\'s "so"\nnow' | \\\"deep\\\" \\\\ line"#)
        #expect(texts.contains(text) == isFound)
        #expect(texts.contains(text) == isFound, "the second time")
    }

    @Test("Texts are found in any order, and again")
    func order() {
        var texts = PromptTexts("one two three")
        #expect(["three", "one", "two", "two", "one"].allSatisfy { texts.contains($0) })
    }
}
