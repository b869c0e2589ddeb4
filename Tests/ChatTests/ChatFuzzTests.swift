import Generation
import JSON
import ShoalTestSupport
import Testing

@testable import Engine

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How long each parser is fed what chance makes; nil: not in this run. `make fuzz` says so.
private let fuzzSeconds = ProcessInfo.processInfo.environment["SHOAL_FUZZ_SECONDS"].flatMap(Int.init)
/// Where chance begins.
private let fuzzSeed = ProcessInfo.processInfo.environment["SHOAL_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

/// Runs `body` with one seed after the other for as long as is wanted, and says how often.
private func fuzz(_ name: String, _ body: (UInt64) throws -> Void) rethrows {
    let end = ContinuousClock.now.advanced(by: .seconds(fuzzSeconds ?? 0))
    var rounds: UInt64 = 0
    while ContinuousClock.now < end {
        try body(fuzzSeed &+ rounds)
        rounds += 1
    }
    print("fuzzed \(name): \(rounds) rounds from seed \(fuzzSeed)")
    #expect(rounds > 0)
}

@Suite("Random conversations and answers")
struct ChatFuzzTests {
    static let templates = [
        "Qwen-Qwen3-0.6B", "openai-gpt-oss-120b", "meta-llama-Llama-3.1-8B-Instruct",
        "Mistral-Small-3.2-24B-Instruct-2506",
        "google-gemma-2-2b-it", "MiniMax-M3", "deepseek-ai-DeepSeek-V3.1", "LFM2.5-8B-A1B", "Kimi-K3",
    ]

    @Test("Any conversation is a prompt or a typed error", arguments: templates)
    func conversations(template: String) throws {
        #expect(try Self.conversations(of: template, seed: 7) > 3)
    }

    /// How many of some random conversations were made prompts of.
    private static func conversations(of template: String, seed: UInt64) throws -> Int {
        var random = SeededRandom(seed: seed)
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source(template), beginningOfText: "<s>", endOfText: "</s>"))
        var prompts = 0
        for _ in 0..<60 {
            let messages = (0..<Int.random(in: 0..<6, using: &random)).map { _ in Self.message(&random) }
            let tools = (0..<Int.random(in: 0..<3, using: &random)).map { _ in Self.tool(&random) }
            var options = ChatOptions(nowUnixSeconds: Int.random(in: -1_000_000_000...4_000_000_000, using: &random))
            options.toolChoice = [.auto, .required, .named("look")].randomElement(using: &random) ?? .auto
            options.continues = Int.random(in: 0..<4, using: &random) == 0
            options.allowsParallelCalls = Bool.random(using: &random)
            if Bool.random(using: &random) {
                options.variables = [
                    (Self.text(&random), Self.value(&random, depth: 0)),
                    ("enable_thinking", Self.value(&random, depth: 2)),
                ]
            }
            do throws(ChatError) {
                let prompt = try prompter.prompt(Conversation(messages, tools: tools), options)
                prompts += 1
                if let form = prompt.form {
                    let reader = try AnswerReader(form: form)
                    _ = try reader.append(Array(Self.text(&random).utf8), isLast: true)
                }
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
        return prompts
    }

    @Test("Any bytes are an answer, in one way only", arguments: templates)
    func answers(template: String) throws { try Self.answers(of: template, seed: 11) }

    private static func answers(of template: String, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source(template), beginningOfText: "<s>", endOfText: "</s>"))
        let tools: JSONValue = [
            ["function": ["name": "look", "parameters": ["type": "object", "properties": ["at": ["type": "string"]]]]]
        ]
        let prompt = try prompter.prompt(
            Conversation(messages: [["role": "user", "content": "Hello"]], tools: tools), ChatOptions(nowUnixSeconds: 0)
        )
        let form = try #require(prompt.form)
        let written = (try Reference.answers.get()[template] ?? []).map { Array($0.text.utf8) }
        let fragments = [
            "<think>", "</think>", "<tool_call>", "</tool_call>", "{\"name\": \"look\", \"arguments\": {\"at\": \"",
            "\"}}",
            "[TOOL_CALLS]", "[ARGS]", "<|channel|>", "<|message|>", "look", "<function=look>", "é", "\\u", "\n",
        ].map { Array($0.utf8) }
        for _ in 0..<60 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1..<8, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes += (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
                case 1:
                    let answer = written.randomElement(using: &random) ?? []
                    bytes += answer.prefix(Int.random(in: 0...answer.count, using: &random))
                default: bytes += fragments.randomElement(using: &random) ?? []
                }
            }
            var reader = try AnswerReader(form: form)
            _ = try reader.append(bytes, isLast: true)
            reader = try AnswerReader(form: form)
            for byte in bytes { _ = try reader.append([byte], isLast: false) }
            _ = try reader.append([], isLast: true)
        }
    }

    @Test("Chance goes on for as long as is wanted", .enabled(if: fuzzSeconds != nil))
    func longer() throws {
        try fuzz("conversations") { seed in
            _ = try Self.conversations(of: Self.templates[Int(seed % UInt64(Self.templates.count))], seed: seed)
        }
        try fuzz("answers") { seed in
            try Self.answers(of: Self.templates[Int(seed % UInt64(Self.templates.count))], seed: seed)
        }
    }

    // MARK: - Random values

    private static func text(_ random: inout SeededRandom) -> String {
        let pieces = [
            "", "a", "Zürich", "\n", "{", "}", "<|im_end|>", "</think>", "\"", "\\", "😀", "\u{0}", "{{ x }}", "{%",
            "1e5",
            "<tool_call>",
        ]
        return (0..<Int.random(in: 0..<5, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
    }

    private static func value(_ random: inout SeededRandom, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 3 ? 6 : 8), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int.random(in: Int.min...Int.max, using: &random))
        case 3:
            return .literal(["1.10", "1e400", "-0", "12345678901234567890"].randomElement(using: &random) ?? "0.10")
        case 4, 5: return .string(text(&random))
        case 6:
            return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(&random, depth: depth + 1) })
        default:
            let keys = ["type", "properties", "enum", "items", "required", "minItems", "$ref", "text", "name", "é"]
            return .object(
                (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                    (keys.randomElement(using: &random) ?? "", value(&random, depth: depth + 1))
                })
        }
    }

    private static func message(_ random: inout SeededRandom) -> ChatMessage {
        let roles: [ChatMessage.Role] = [.user, .user, .assistant, .assistant, .system, .tool]
        var message = ChatMessage(
            roles.randomElement(using: &random) ?? .user,
            parts: (0..<[0, 1, 1, 1, 1, 1, 1, 2].randomElement(using: &random)!).map { _ in .text(text(&random)) })
        if Int.random(in: 0..<20, using: &random) == 0 { message.parts.append(.image(.init(url: text(&random)))) }
        if Int.random(in: 0..<12, using: &random) == 0 { message.reasoning = text(&random) }
        if Int.random(in: 0..<12, using: &random) == 0 { message.name = text(&random) }
        if Int.random(in: 0..<12, using: &random) == 0 { message.toolCallID = text(&random) }
        if Int.random(in: 0..<4, using: &random) == 0 {
            let arguments = value(&random, depth: 0)
            message.toolCalls = [
                ToolCall(
                    id: Bool.random(using: &random) ? text(&random) : nil, name: "look",
                    arguments: arguments.string ?? arguments.serialized())
            ]
        }
        return message
    }

    private static func tool(_ random: inout SeededRandom) -> Tool {
        let parameters: JSONValue =
            Bool.random(using: &random)
            ? ["type": "object", "properties": ["a": value(&random, depth: 1)]] : value(&random, depth: 0)
        return Tool(
            name: Bool.random(using: &random) ? "look" : text(&random), description: text(&random),
            parameters: parameters.object == nil ? nil : parameters)
    }
}
