import Generation
import JSON
import Testing

@testable import Engine

@Suite("Other forms of conversations")
struct MendingTests {
    /// Messages in short: role, text, calls (`name:arguments`), and of results the call's id.
    private static func short(_ conversation: Conversation) -> [String] {
        conversation.messages.map { message in
            var line = "\(message.role) \(message.content)"
            if let id = message.callID { line += " @\(id)" }
            for call in message.calls { line += " \(call.id)=\(call.name)\(call.arguments)" }
            return line
        }
    }

    private static func conversation(_ lines: [JSONValue], tools: JSONValue = nil) throws -> Conversation {
        try Conversation(messages: .array(lines), tools: tools)
    }

    private static let user: JSONValue = ["role": "user", "content": "U"]
    private static let tools: JSONValue = [["function": ["name": "f"]]]

    private static func calls(_ text: String, _ calls: (String, String)...) -> JSONValue {
        [
            "role": "assistant", "content": .string(text),
            "tool_calls": .array(
                calls.map { ["id": .string($0.0), "function": ["name": "f", "arguments": .string($0.1)]] }),
        ]
    }

    private static func result(_ id: String, _ text: String) -> JSONValue {
        ["role": "tool", "tool_call_id": .string(id), "content": .string(text)]
    }

    @Test("Nothing is changed where there is nothing to change", arguments: Mending.allCases)
    func unchanged(mending: Mending) throws {
        let conversation = try Self.conversation([Self.user])
        #expect(mending.apply(to: conversation) == nil)
    }

    @Test(
        "Each mending changes what it says",
        arguments: [
            (
                .emptyArguments, [user, calls("", ("a", "{"), ("b", #"{"x":1}"#))],
                ["user U", #"assistant  a=f{} b=f{"x":1}"#]
            ),
            (
                .shortIDs,
                [user, calls("", ("call_0f8fad5bd9cb", "{}"), ("x-fad5bd9cb", "{}"), ("é1", "{}")), result("é1", "R")],
                ["user U", "assistant  fad5bd9cb=f{} 000000001=f{} 000000002=f{}", "tool R @000000002"]
            ),
            (
                .singleCalls,
                [user, calls("T", ("a", "{}"), ("b", "{}")), result("b", "B"), result("a", "A"), result("c", "C")],
                ["user U", "assistant T a=f{}", "tool A @a", "assistant  b=f{}", "tool B @b", "tool C @c"]
            ),
            (.splitCalls, [user, calls("T", ("a", "{}"))], ["user U", "assistant T", "assistant  a=f{}"]),
            (
                .lateRules, [user, ["role": "system", "content": "S"]], ["user U", "user S"]
            ),
            (.mergedNeighbours, [user, user, ["role": "assistant", "content": "A"]], ["user U\n\nU", "assistant A"]),
            (
                .silentAnswer, [user, calls("", ("a", "{}")), result("a", "R"), user],
                ["user U", "assistant  a=f{}", "tool R @a", "assistant ", "user U"]
            ),
            (.userFirst, [["role": "assistant", "content": "A"]], ["user  ", "assistant A"]),
            (.rulesOfUser, [["role": "system", "content": "S"], user], ["user S\n\nU"]),
            (.rulesOfUser, [["role": "system", "content": "S"]], ["user S"]),
            (
                .callsInText, [user, calls("T", ("a", ""), ("b", "{}"))],
                [
                    "user U",
                    "assistant T\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n"
                        + "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
                ]
            ),
            (
                .toolsAsText, [user, calls("", ("a", "{}")), result("a", "R"), result("b", "Q")],
                [
                    "user U", "assistant <tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
                    "user <tool_response>\nR\n</tool_response>\n\n<tool_response>\nQ\n</tool_response>",
                ]
            ),
        ] as [(Mending, [JSONValue], [String])])
    func changed(mending: Mending, messages: [JSONValue], expected: [String]) throws {
        let conversation = try Self.conversation(messages)
        let changed = try #require(mending.apply(to: conversation))
        #expect(Self.short(changed) == expected)
        #expect(mending == .rulesOfUser || mending == .singleCalls || changed.messages.count > 0)
    }

    @Test("Reasoning of earlier turns goes")
    func reasoning() throws {
        let conversation = try Self.conversation([Self.user, ["role": "assistant", "content": "A", "reasoning": "R"]])
        #expect(Mending.noReasoning.apply(to: conversation)?.messages.allSatisfy { $0.reasoning == nil } == true)
    }

    @Test(
        "The list of tools comes into the text that sets the rules, once",
        arguments: [Mending.toolsInText, .toolsAsText])
    func tellsTools(mending: Mending) throws {
        for rules in [[], [["role": "system", "content": "S"]]] as [[JSONValue]] {
            let conversation = try Self.conversation(rules + [Self.user], tools: Self.tools)
            let told = try #require(mending.apply(to: conversation))
            #expect(told.messages.map(\.role) == [.system, .user])
            #expect(told.messages[0].content.contains(#""name": "f""#))
            #expect(told.messages[0].content.hasPrefix("S") == !rules.isEmpty)
            #expect(told.tools == conversation.tools)
            #expect(told.telling == (mending == .toolsInText ? .list : .text))
            #expect(mending.apply(to: told) == nil)
        }
    }
}
