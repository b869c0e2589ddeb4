import Engine
import Foundation
import JSON
import Testing

@Suite("Chat templates of real models")
struct TemplateComparisonTests {
    private static let onlyFirst =
        "the template writes the first of several calls alone; here each has a message of its own"
    private static let noCalls =
        "the template leaves out calls, which transformers does not notice; here they are texts"
    /// Where the prompt is another one than transformers', though nothing is lost, and why.
    static let differences: [String: (count: Int, reason: String)] = [
        "Apriel-1.6-15b-Thinker-fixed": (
            6, "tools are printed as Python objects, and texts with both quotes in other ones"
        ),
        "unsloth-Apriel-1.5": (6, "tools are printed as Python objects, and texts with both quotes in other ones"),
        "LFM2.5-8B-A1B": (1, "the library joins parts with a line break, the template with nothing"),
        "mistralai-Ministral-3-14B-Reasoning-2512":
            (2, "the library joins parts with a line break, and writes the reasoning of earlier turns"),
        "google-gemma-4-31B-it-interleaved": (5, "the library writes results as later versions of the template do"),
        "meetkai-functionary-medium-v3.1": (7, "the template makes HTML of the tools; the model has not seen that"),
        "GigaChat3-10B-A1.8B": (1, onlyFirst), "GigaChat3.1-10B-A1.8B": (1, onlyFirst),
        "openai-gpt-oss-120b": (1, onlyFirst),
        "LFM2-8B-A1B": (2, noCalls), "LFM2.5-Instruct": (2, noCalls),
        "ibm-granite-granite-3.3-2B-Instruct": (2, noCalls),
        "meetkai-functionary-medium-v3.2": (1, "arguments that a client left empty are an empty object"),
    ]

    @Test("There are templates to compare")
    func count() throws {
        #expect(Reference.templates.count >= 70)
        let renderings = try Reference.renderings.get().values.flatMap { $0 }
        #expect(renderings.count == 12 * Reference.templates.count)
        #expect(renderings.count { $0.rendered != nil } >= 755)
        #expect(Self.differences.values.reduce(0) { $0 + $1.count } == 37)
    }

    @Test(
        "Every conversation is rendered with every text, and as transformers does where it does", .serialized,
        arguments: Reference.templates)
    func rendering(template: String) throws {
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source(template), beginningOfText: "<s>", endOfText: "</s>"))
        var different: [String] = []
        for rendering in try #require(try Reference.renderings.get()[template]) {
            let conversation = try Conversation(messages: rendering.messages, tools: rendering.tools)
            let options = ChatOptions(nowUnixSeconds: Reference.date)
            let prompt = try prompter.prompt(conversation, options)
            // The second time what was learnt is used, and the prompt is the same.
            #expect(try prompter.prompt(conversation, options).text == prompt.text, "\(rendering.conversation)")
            for text in rendering.texts {
                let escaped = JSONValue.string(text).serialized(.python()).dropFirst().dropLast()
                #expect(
                    prompt.text.contains(text) || prompt.text.contains(escaped), "\(rendering.conversation): \(text)")
            }
            if let rendered = rendering.rendered, !rendered.utf8.elementsEqual(prompt.text.utf8) {
                different.append("\(rendering.conversation): \(Self.place(prompt.text, rendered))")
            }
        }
        #expect(
            different.count == Self.differences[template]?.count ?? 0, "\(different.joined(separator: "\n"))")
    }

    /// Where two texts part.
    private static func place(_ prompt: String, _ wanted: String) -> String {
        let common = prompt.commonPrefix(with: wanted, options: .literal).count
        func rest(_ text: String) -> String { String(text.dropFirst(max(0, common - 20)).prefix(80)).debugDescription }
        return "\(rest(prompt)) where transformers has \(rest(wanted))"
    }
}
