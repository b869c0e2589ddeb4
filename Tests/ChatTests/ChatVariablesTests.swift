import JSON
import Testing

@testable import Engine

@Suite("Variables of templates")
struct ChatVariablesTests {
    private static func prompt(_ source: String, _ variables: [(String, JSONValue)]) throws -> ChatPrompt {
        let prompter = ChatPrompter(try ChatTemplates(source: source, beginningOfText: "<s>", endOfText: "</s>"))
        var options = ChatOptions(nowUnixSeconds: Reference.date)
        options.variables = variables
        return try prompter.prompt(Conversation(messages: [["role": "user", "content": "Hello"]], tools: nil), options)
    }

    private static let echo =
        "{% for m in messages %}{{ m.content }}{% endfor %}|{{ enable_thinking }}|{{ reasoning_effort }}|{{ date_string }}|{{ own }}"

    @Test(
        "Nothing takes the place of the conversation",
        arguments: ["messages", "tools", "add_generation_prompt", "bos_token", "eos_token"])
    func refused(name: String) {
        let error = #expect(throws: ChatError.self) { try Self.prompt(Self.echo, [(name, "EVIL")]) }
        #expect(error?.message.contains(name) == true)
        // The shim refuses it too.
        let request: JSONValue = [
            "messages": [["role": "user", "content": "Hello"]],
            "variables": .object([(name, JSONValue.string("EVIL"))]),
        ]
        #expect(throws: ChatError.self) {
            try ChatTemplates(source: Self.echo, beginningOfText: "", endOfText: "").apply(request)
        }
    }

    @Test("The rest is the client's, and models think unless it says no")
    func given() throws {
        #expect(try Self.prompt(Self.echo, []).text == "Hello|True||26 Jul 2024|")
        let variables: [(String, JSONValue)] = [
            ("enable_thinking", false), ("reasoning_effort", "high"), ("date_string", "today"), ("own", "mine"),
        ]
        #expect(try Self.prompt(Self.echo, variables).text == "Hello|False|high|today|mine")
    }

    @Test("Thinking ends at once where the client says so")
    func thinking() throws {
        let source = try Reference.source("Qwen-Qwen3-0.6B")
        #expect(try Self.prompt(source, [("enable_thinking", false)]).text.hasSuffix("<think>\n\n</think>\n\n"))
        #expect(try !Self.prompt(source, []).text.contains("<think>"))
    }

    @Test("A template of ChatML writes what was said, and its answers are all text")
    func plain() throws {
        let source =
            "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
        let prompt = try Self.prompt(source, [])
        #expect(prompt.text == "<|user|>Hello\n<|assistant|>")
        #expect(prompt.form == nil)
    }
}
