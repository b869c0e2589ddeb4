import ChatTemplate
import Foundation
import Testing

@Suite("Rendering conversations")
struct RenderingTests {
    static let template = """
        {{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{{ eos_token }}{% endfor %}
        {% if tools %}{{ tools|tojson }}{% endif %}{% if add_generation_prompt %}<|assistant|>{% endif %}
        """

    @Test("A template gets the conversation, the tools and the special tokens")
    func input() throws {
        let text = try ChatTemplate(source: Self.template).render(
            ChatTemplate.Input(
                messages: [["role": "user", "content": "Grüße"]], tools: [["name": "f"]], beginningOfText: "<s>",
                endOfText: "</s>"))
        #expect(text == "<s><|user|>Grüße</s>[{\"name\": \"f\"}]<|assistant|>")
    }

    @Test("Without tools and tokens the variables are none and undefined")
    func defaults() throws {
        let template = try ChatTemplate(
            source:
                "{{ tools is none }}{{ tools is defined }}{{ documents is none }}{{ bos_token is defined }}{{ eos_token is defined }}{{ add_generation_prompt }}"
        )
        #expect(try template.render(ChatTemplate.Input(messages: [])) == "TrueTrueTrueFalseFalseTrue")
        #expect(
            try template.render(ChatTemplate.Input(messages: [], addGenerationPrompt: false))
                == "TrueTrueTrueFalseFalseFalse")
    }

    @Test("More variables replace the usual ones")
    func extra() throws {
        let template = try ChatTemplate(source: "{{ enable_thinking }} {{ bos_token }}")
        let text = try template.render(
            ChatTemplate.Input(messages: [], beginningOfText: "a", extra: ["enable_thinking": false, "bos_token": "b"]))
        #expect(text == "False b")
    }

    @Test("The clock is the caller's, in the caller's time zone")
    func clock() throws {
        let template = try ChatTemplate(source: "{{ strftime_now('%d %b %Y %H:%M') }}")
        let zone = try #require(TimeZone(secondsFromGMT: 2 * 3600))
        #expect(
            try template.render(ChatTemplate.Input(messages: [], now: Snippet.now, timeZone: zone))
                == "26 Jul 2024 14:34")
    }

    @Test("The time's text is limited")
    func clockLimit() throws {
        let template = try ChatTemplate(source: "{{ strftime_now('%A' * 5000) }}")
        #expect(throws: ChatTemplateError.self) { try template.render(ChatTemplate.Input(messages: [])) }
    }

    @Test("One template renders many conversations at once")
    func concurrency() async throws {
        let template = try ChatTemplate(source: Self.template)
        let texts = try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<50 {
                group.addTask {
                    try template.render(
                        ChatTemplate.Input(messages: [["role": "user", "content": "\(index)"]], endOfText: "."))
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(texts.count == 50)
        #expect(texts.contains("<|user|>7.<|assistant|>"))
    }

    @Test("A conversation nested too deep for a template is refused")
    func deepInput() throws {
        var deep: JSONValue = 1
        for _ in 0..<500 { deep = [deep] }
        let template = try ChatTemplate(source: "{{ x }}")
        let error = #expect(throws: ChatTemplateError.self) {
            try template.render(ChatTemplate.Input(messages: [], extra: ["x": deep]))
        }
        #expect(error?.code == .limitExceeded)
    }
}
