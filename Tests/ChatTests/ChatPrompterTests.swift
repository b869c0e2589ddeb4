import Engine
import JSON
import Testing

@Suite("Prompts of conversations")
struct ChatPrompterTests {
    @Test("A template of ChatML writes what was said, and opens the answer")
    func chatML() throws {
        let templates = try ChatTemplates(
            source:
                "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
            beginningOfText: "<s>", endOfText: "</s>")
        let conversation = try Conversation(
            messages: [["role": "user", "content": "Hello"]], tools: .null)
        let prompt = try ChatPrompter(templates).prompt(conversation, ChatOptions(nowUnixSeconds: 0))
        #expect(prompt.text == "<|user|>Hello\n<|assistant|>")
        #expect(prompt.form == nil)
    }
}
