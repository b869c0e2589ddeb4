import Generation
import JSON
import Testing

@testable import Engine

@Suite("Numbers from end to end")
struct KeptNumbersTests {
    static let literals = ["12345678901234567890", "1.10", "1e5", "-0", "1E300", "0.1", "1.0", "-12.50e-3"]

    @Test("What a program would write in another way comes back as it was", arguments: literals)
    func hidden(literal: String) throws {
        let value = try JSONValue(parsing: #"{"a":[\#(literal),7],"b":{"minimum":\#(literal)}}"#)
        var numbers = KeptNumbers { [] }
        let hidden = numbers.hidden(value).serialized()
        #expect(!hidden.contains(literal))
        #expect(numbers.restored(in: hidden) == value.serialized())
    }

    @Test("Limits stay what the library can count with, where they are numbers")
    func limits() throws {
        let value = try JSONValue(
            parsing: #"{"properties":{"minimum":{"const":1.10}},"minItems":2.0,"maximum":1e2,"enum":[1e5]}"#)
        var numbers = KeptNumbers { [] }
        let hidden = numbers.hidden(value, keepsLimits: true)
        #expect(hidden["minItems"] == value["minItems"])
        #expect(hidden["maximum"] == value["maximum"])
        #expect(hidden["enum"] != value["enum"])
        #expect(hidden["properties"]?["minimum"] != value["properties"]?["minimum"])
        #expect(numbers.restored(in: hidden.serialized()) == value.serialized())
    }

    @Test("Digits of the client's that look like a stand-in stay")
    func collision() {
        let text = "7310584900000000 and 7310585000000000"
        var numbers = KeptNumbers { [text] }
        let hidden = numbers.hidden(["a": .literal("1.10")]).serialized()
        #expect(numbers.restored(in: text + hidden) == text + #"{"a":1.10}"#)
    }

    @Test(
        "The prompt has the literals of arguments and schemas, and so has the grammar", arguments: Reference.templates)
    func prompts(template: String) throws {
        guard try Reference.answers.get()[template] != nil else { return }
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source(template), beginningOfText: "<s>", endOfText: "</s>"))
        let arguments = #"{"big": 12345678901234567890, "price": 1.10, "power": 1e5, "zero": -0}"#
        let tools = try JSONValue(
            parsing: """
                [{"type":"function","function":{"name":"measure","description":"Keeps numbers","parameters":{"type":"object",
                "properties":{"big":{"type":"number","description":"A","enum":[12345678901234567890,1.10]},
                "price":{"type":"number","description":"B","const":1e5},"power":{"type":"number","description":"C"},
                "zero":{"type":"number","description":"D"}},"required":["big","price"]}}}]
                """)
        let user: JSONValue = ["role": "user", "content": "Measure."]
        let call: JSONValue = [
            "role": "assistant", "content": "",
            "tool_calls": [
                [
                    "id": "call12345", "type": "function",
                    "function": ["name": "measure", "arguments": .string(arguments)],
                ]
            ],
        ]
        let result: JSONValue = ["role": "tool", "tool_call_id": "call12345", "content": "done"]
        var options = ChatOptions(nowUnixSeconds: Reference.date)
        let past = try prompter.prompt(
            Conversation(messages: [user, call, result], tools: tools), options)
        for literal in ["12345678901234567890", "1.10", "1e5", "-0"] {
            #expect(past.text.contains(literal), "\(literal)")
        }
        #expect(!past.text.contains("73105849"))
        options.toolChoice = .required
        let asked = try prompter.prompt(Conversation(messages: [user], tools: tools), options)
        #expect(!asked.grammar.contains("73105849"))
        #expect(!asked.text.contains("73105849"))
        #expect(asked.text.contains("12345678901234567890") == asked.text.contains("1.10"))
    }
}
