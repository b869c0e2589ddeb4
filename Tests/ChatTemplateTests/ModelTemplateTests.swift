import ChatTemplate
import Foundation
import Testing

@Suite("Chat templates of real models")
struct ModelTemplateTests {
    /// The share of pairs of template and conversation whose outcome has to be that of Jinja.
    ///
    /// Not all of them: functionary 3.1 marks text as safe HTML and adds plain text to it, which Jinja then escapes although nothing
    /// else of the prompt is. Here it stays as the template wrote it.
    static let requiredShare = 0.99

    @Test("Every template renders every conversation as Jinja does, or refuses it as Jinja does")
    func sameAsReference() async throws {
        let folder = try Reference.templates
        let reference = try await Reference.run([folder.path])
        let now = Date(timeIntervalSince1970: try #require(reference["now"]?.double))
        let conversations = Dictionary(
            uniqueKeysWithValues: (reference["conversations"]?.array ?? []).map {
                ($0["name"]?.string ?? "", Dictionary(uniqueKeysWithValues: $0["variables"]?.entries ?? []))
            })
        let outcomes = try #require(reference["outcomes"]?.array)
        #expect(conversations.count >= 25)
        #expect(Set(outcomes.map { $0["template"] }).count >= 50)
        var templates: [String: Result<ChatTemplate, ChatTemplateError>] = [:]
        var differences: [String] = []
        for outcome in outcomes {
            let name = try #require(outcome["template"]?.string)
            let conversation = try #require(outcome["conversation"]?.string)
            if templates[name] == nil {
                let source = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
                templates[name] = Result { () throws(ChatTemplateError) in try ChatTemplate(source: source) }
            }
            let input = ChatTemplate.Input(
                messages: [], extra: try #require(conversations[conversation]), now: now,
                timeZone: try #require(TimeZone(secondsFromGMT: 0)))
            let result = templates[name]?.flatMap { template in
                Result { () throws(ChatTemplateError) in try template.render(input) }
            }
            switch (result, outcome["text"]?.string) {
            case (.failure, nil): break
            case (.success(let text), .some(let expected)) where text.utf8.elementsEqual(expected.utf8): break
            case (.failure(let error), .some): differences.append("\(name), \(conversation): \(error)")
            default:
                differences.append(
                    "\(name), \(conversation): another text, or none was expected: \(outcome["error"] ?? "")")
            }
        }
        let share = 1 - Double(differences.count) / Double(outcomes.count)
        #expect(
            share >= Self.requiredShare,
            "\(differences.count) differ:\n\(differences.prefix(20).joined(separator: "\n"))")
    }
}
