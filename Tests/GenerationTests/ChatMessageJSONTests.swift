import Generation
import JSON
import ShoalTestSupport
import Testing

@Suite("Messages and tools as clients write them")
struct ChatMessageJSONTests {
    private static func messages(_ json: JSONValue) throws(InferenceError) -> [ChatMessage] {
        try ChatMessage.list(json.array ?? [])
    }

    @Test("Parts, calls and thoughts are read")
    func reading() throws {
        let read = try Self.messages([
            ["role": "developer", "content": "Be brief.", "name": nil],
            [
                "role": "user",
                "content": [
                    ["type": "text", "text": "What"],
                    ["type": "image_url", "image_url": ["url": "https://x", "detail": "high"]],
                ],
            ],
            [
                "role": "assistant", "content": nil, "reasoning": "Hm.",
                "tool_calls": [
                    ["id": "a", "function": ["name": "look", "arguments": nil]],
                    ["function": ["name": "wait"]],
                    ["function": ["name": "see", "arguments": ["at": 1.50]]],
                ],
            ],
            ["role": "tool", "tool_call_id": "a", "content": "1", "name": "look"],
            ["role": "assistant", "content": [["type": "refusal", "refusal": "No."]], "tool_calls": nil],
        ])
        #expect(
            read == [
                ChatMessage(.system, "Be brief."),
                ChatMessage(.user, parts: [.text("What"), .image(.init(url: "https://x", detail: "high"))]),
                ChatMessage(
                    .assistant, parts: [], reasoning: "Hm.",
                    toolCalls: [
                        ToolCall(id: "a", name: "look", arguments: ""), ToolCall(name: "wait", arguments: ""),
                        ToolCall(name: "see", arguments: #"{"at":1.5}"#),
                    ]),
                ChatMessage(.tool, parts: [.text("1")], toolCallID: "a", name: "look"),
                ChatMessage(.assistant, "No."),
            ])
    }

    @Test(
        "What is wrong is named",
        arguments: [
            ("[]", "messages"), ("[7]", "messages[0]"), (#"[{"content": "x"}]"#, "messages[0].role"),
            (#"[{"role": "robot", "content": "x"}]"#, "messages[0].role"),
            (#"[{"role": "user"}]"#, "messages[0].content"),
            (#"[{"role": "tool", "content": null}]"#, "messages[0].content"),
            (#"[{"role": "user", "content": 7}]"#, "messages[0].content"),
            (#"[{"role": "user", "content": [{"text": "x"}]}]"#, "messages[0].content[0].type"),
            (#"[{"role": "user", "content": [{"type": "text", "text": 7}]}]"#, "messages[0].content[0].text"),
            (#"[{"role": "user", "content": [{"type": "video"}]}]"#, "messages[0].content[0].type"),
            (
                #"[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]"#,
                "messages[0].content[0].image_url.url"
            ),
            (#"[{"role": "user", "content": "x", "tool_calls": []}]"#, "messages[0].tool_calls"),
            (#"[{"role": "assistant", "tool_calls": 7}]"#, "messages[0].tool_calls"),
            (#"[{"role": "assistant", "tool_calls": [{}]}]"#, "messages[0].tool_calls[0].function.name"),
            (
                #"[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 7}}]}]"#,
                "messages[0].tool_calls[0].function.arguments"
            ),
            (#"[{"role": "tool", "content": "x", "tool_call_id": 7}]"#, "messages[0].tool_call_id"),
        ])
    func refused(text: String, member: String) throws {
        let json = try JSONValue(parsing: text)
        let error = #expect(throws: InferenceError.self) { try Self.messages(json) }
        #expect(error?.code == .badRequest)
        #expect(error?.parameter == member)
        #expect(error?.message.hasPrefix(member) == true)
    }

    @Test(
        "Wrong tools are named",
        arguments: [
            (#"[{"type": "retrieval"}]"#, "tools[0].type"), (#"[{"type": "function"}]"#, "tools[0].function"),
            (#"[{"function": {}}]"#, "tools[0].function.name"),
            (#"[{"function": {"name": ""}}]"#, "tools[0].function.name"),
            (#"[{"function": {"name": "f", "parameters": 3}}]"#, "tools[0].function.parameters"),
            (#"[{"function": {"name": "f"}}, {"function": {"name": "f"}}]"#, "tools[1].function.name"),
        ])
    func refusedTools(text: String, member: String) throws {
        let json = try JSONValue(parsing: text).array ?? []
        let error = #expect(throws: InferenceError.self) { try Tool.list(json) }
        #expect(error?.parameter == member)
        #expect(error?.message.hasPrefix(member) == true)
    }

    @Test("A choice fits the tools")
    func choices() throws {
        let tools = [Tool(name: "look")]
        let named: JSONValue = ["type": "function", "function": ["name": "look"]]
        for (json, choice) in [("auto", .auto), ("none", .none), ("required", .required), (named, .named("look"))]
            as [(JSONValue, ToolChoice)]
        {
            #expect(try ToolChoice(json, tools: tools) == choice)
            #expect(choice.json == json)
        }
        for json in ["any", 7, [:], ["type": "function"], ["type": "function", "function": ["name": "see"]]]
            as [JSONValue]
        {
            let error = #expect(throws: InferenceError.self) { try ToolChoice(json, tools: tools) }
            #expect(error?.parameter == "tool_choice")
        }
        #expect(throws: InferenceError.self) { try ToolChoice("required", tools: []) }
    }

    @Test("What is written is read as what it was", arguments: 0..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func text() -> String { ["", "a", "é\n", "{\"a\": 1}", "null"].randomElement(using: &random) ?? "" }
        let messages = (0..<Int.random(in: 1..<6, using: &random)).map { _ -> ChatMessage in
            let role = ChatMessage.Role.allCases.randomElement(using: &random) ?? .user
            var message = ChatMessage(
                role,
                parts: (0..<Int.random(in: role == .assistant ? 0..<3 : 1..<4, using: &random)).map { _ in
                    Bool.random(using: &random)
                        ? .text(text())
                        : .image(.init(url: text(), detail: Bool.random(using: &random) ? text() : nil))
                })
            if Bool.random(using: &random) { message.reasoning = text() + "x" }
            if Bool.random(using: &random) { message.name = text() }
            if Bool.random(using: &random) { message.toolCallID = text() }
            if role == .assistant {
                message.toolCalls = (0..<Int.random(in: 0..<3, using: &random)).map { _ in
                    ToolCall(id: Bool.random(using: &random) ? text() : nil, name: text(), arguments: text())
                }
            }
            return message
        }
        #expect(try ChatMessage.list(messages.map(\.json)) == messages)
    }

    @Test("Tools are read as they were written")
    func toolRoundTrip() throws {
        let tools = [
            Tool(name: "a"), Tool(name: "b", description: "B", parameters: [:]),
            Tool(name: "c", parameters: ["type": "object"], isStrict: true),
        ]
        #expect(try Tool.list(tools.map(\.json)) == tools)
    }

    @Test("Whatever comes is read or refused", arguments: 0..<200)
    func anything(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let names = [
            "role", "content", "tool_calls", "function", "name", "arguments", "type", "text", "image_url", "url",
            "parameters",
        ]
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 4 ? 4 : 9), using: &random) {
            case 0: return .null
            case 1: return .integer(7)
            case 2:
                return .string(["user", "assistant", "tool", "text", "function"].randomElement(using: &random) ?? "")
            case 3: return .bool(true)
            case 4, 5: return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth + 1) })
            default:
                let members = names.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
                return .object(members.map { ($0, value(depth + 1)) })
            }
        }
        for _ in 0..<50 {
            let json = (0..<3).map { _ in value(0) }
            do { #expect(try ChatMessage.list(json).count == 3) } catch { #expect(error.code == .badRequest) }
            do { #expect(try Tool.list(json).count == 3) } catch { #expect(error.code == .badRequest) }
        }
    }
}
