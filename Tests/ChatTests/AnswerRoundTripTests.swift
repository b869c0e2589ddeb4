import Engine
import Foundation
import JSON
import Testing

@Suite("Answers in the models' own formats")
struct AnswerRoundTripTests {
    /// What is not read as it was meant, by template.
    static let failures: [String: Set<String>] = [
        // The library knows no text in front of calls here.
        "CohereForAI-c4ai-command-r-plus-tool_use": ["text and one call"],
        // The mark in front stays, where it is printed; it is a control token, which is not.
        "upstage-Solar-Open-100B": ["text"],
    ]
    static let sizes = [Int.max, 1, 3, 17]

    /// A finished answer.
    struct Message: Equatable {
        var content = ""
        var reasoning = ""
        var names: [String] = []
        var arguments: [String] = []

        mutating func add(_ deltas: [AnswerReader.Delta]) throws {
            for delta in deltas {
                switch delta {
                case .content(let text): content += text
                case .reasoning(let text): reasoning += text
                case .toolCall(let index, _, let name, let more):
                    if let name {
                        try #require(index == names.count)
                        names.append(name)
                        arguments.append("")
                    }
                    try #require(index < names.count)
                    arguments[index] += more
                }
            }
        }
    }

    @Test("Most templates that know tools are read without a failure")
    func count() throws {
        let answers = try Reference.answers.get()
        #expect(answers.count >= 65)
        #expect(answers.values.reduce(0) { $0 + $1.count } >= 444)
        #expect(Double(Self.failures.count) <= 0.05 * Double(answers.count))
    }

    @Test(
        "Text, reasoning and calls are read whole and in pieces, with numbers as they were written", .serialized,
        arguments: Reference.templates)
    func roundTrip(template: String) throws {
        let answers = try Reference.answers.get()[template] ?? []
        let prompter = ChatPrompter(
            try ChatTemplates(source: Reference.source(template), beginningOfText: "<s>", endOfText: "</s>"))
        var failed: Set<String> = []
        for answer in answers {
            let conversation = try Conversation(messages: answer.messages, tools: answer.tools)
            let prompt = try prompter.prompt(conversation, ChatOptions(nowUnixSeconds: Reference.date))
            let form = try #require(prompt.form)
            let read = try Self.sizes.map { try Self.read(answer.text, form: form, size: $0) }
            for (size, message) in zip(Self.sizes, read).dropFirst() {
                #expect(message == read[0], "\(answer.name) in pieces of \(size)")
            }
            if !Self.isMeant(read[0], by: answer) {
                failed.insert(answer.name)
                let isExpected = Self.failures[template]?.contains(answer.name) == true
                #expect(isExpected, "\(answer.name): \(answer.text.debugDescription) read as \(read[0])")
            }
        }
        #expect(failed == Self.failures[template] ?? [])
    }

    static func read(_ text: String, form: String, size: Int) throws -> Message {
        let reader = try AnswerReader(form: form)
        var message = Message()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            rest = rest.dropFirst(piece.count)
            try message.add(reader.append(Array(piece), isLast: rest.isEmpty))
        }
        return message
    }

    private static func isMeant(_ message: Message, by answer: Reference.Answer) -> Bool {
        func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
        guard trimmed(message.content) == trimmed(answer.content),
            trimmed(message.reasoning) == trimmed(answer.reasoning), message.names == answer.calls.map(\.name)
        else { return false }
        // Numbers keep their literals: so do documents that are read and compared.
        return zip(message.arguments, answer.calls).allSatisfy { read, wanted in
            // Some templates sort the names of arguments.
            let values = [read, wanted.arguments].map {
                (try? JSONValue(parsing: $0))?.serialized(JSONFormat(sortsKeys: true))
            }
            return values[0] != nil && values[0] == values[1]
        }
    }
}
