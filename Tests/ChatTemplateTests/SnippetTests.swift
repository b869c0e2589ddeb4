import ChatTemplate
import Foundation
import Testing

/// A small template, and what becomes of it with ``variables``.
struct Snippet: Sendable, CustomTestStringConvertible {
    let template: String
    /// The text; `nil` where the template fails.
    let text: String?
    let code: ChatTemplateError.Code?

    var testDescription: String { template }

    init(_ template: String, _ text: String) {
        self.template = template
        self.text = text
        code = nil
    }

    init(_ template: String, fails code: ChatTemplateError.Code) {
        self.template = template
        text = nil
        self.code = code
    }

    static let variables: [String: JSONValue] = [
        "name": "World", "n": 5, "x": 1.5, "items": [3, 1, 2], "words": ["apple", "Banana", "cherry"],
        "d": ["b": 1, "a": [1, 2], "c": nil], "s": "  Hello World  ", "t": true, "nothing": nil,
        "people": [
            ["name": "Ann", "age": 30, "city": "Rom"], ["name": "bob", "age": 25, "city": "Bonn"],
            ["name": "Cy", "age": 30],
        ],
        "uni": "Grüße 😀",
    ]

    /// 26 July 2024, 12:34:56, which the reference takes for now too.
    static let now = Date(timeIntervalSince1970: 1_721_997_296)

    static let all =
        whiteSpaceAroundTags + literals + operators + variablesAndScopes + loops + macros + strings
        + listsAndDictionaries + valueTests + filtersOfText + json + filtersOfSequences + functions + failures
        + syntaxErrors

    func render() throws(ChatTemplateError) -> String {
        try ChatTemplate(source: template).render(
            ChatTemplate.Input(
                messages: [], extra: Snippet.variables, now: Snippet.now, timeZone: TimeZone(secondsFromGMT: 0) ?? .gmt)
        )
    }
}

@Suite("The template language")
struct SnippetTests {
    @Test("White space around tags", arguments: Snippet.whiteSpaceAroundTags)
    func whiteSpace(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Literals", arguments: Snippet.literals)
    func literals(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Operators", arguments: Snippet.operators)
    func operators(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Variables and scopes", arguments: Snippet.variablesAndScopes)
    func variables(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Loops", arguments: Snippet.loops)
    func loops(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Macros", arguments: Snippet.macros)
    func macros(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Methods and parts of strings", arguments: Snippet.strings)
    func strings(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Lists and dictionaries", arguments: Snippet.listsAndDictionaries)
    func containers(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Tests", arguments: Snippet.valueTests)
    func valueTests(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Filters of text", arguments: Snippet.filtersOfText)
    func textFilters(_ snippet: Snippet) throws { try check(snippet) }

    @Test("JSON in templates", arguments: Snippet.json)
    func json(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Filters of sequences", arguments: Snippet.filtersOfSequences)
    func sequenceFilters(_ snippet: Snippet) throws { try check(snippet) }

    @Test("Functions", arguments: Snippet.functions)
    func functions(_ snippet: Snippet) throws { try check(snippet) }

    @Test("What cannot be computed fails", arguments: Snippet.failures)
    func failures(_ snippet: Snippet) { checkFailure(snippet) }

    @Test("What is no template is refused", arguments: Snippet.syntaxErrors)
    func syntaxErrors(_ snippet: Snippet) { checkFailure(snippet) }

    @Test("Jinja itself makes the same of all of them")
    func reference() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "snippets-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let snippets = Snippet.all.map {
            JSONValue.object([("template", .string($0.template)), ("variables", .object(Array(Snippet.variables)))])
        }
        try Data(JSONValue.array(snippets).serializedBytes()).write(to: file)
        let outcomes = try #require(try await Reference.run(["--snippets", file.path]).array)
        #expect(outcomes.count == Snippet.all.count)
        for (snippet, outcome) in zip(Snippet.all, outcomes) {
            #expect(outcome["text"]?.string == snippet.text, "\(snippet.template): \(outcome)")
        }
    }

    @Test(
        "A failure names the line",
        arguments: [
            ("a\nb\n{{ undef.x }}", 3), ("{% if true %}\n\n{{ 1 + }}{% endif %}", 3), ("{#\n\n#}\n{% nonsense %}", 4),
            ("{% for i in [1] %}\n{{ i }}\n{{ 1 // 0 }}{% endfor %}", 3), ("{{ 1 }}\n\n{% if 1 %}", 3),
            ("{% raw %}\n{{ }}\n{% endraw %}\n{{ raise_exception('x') }}", 4),
        ])
    func lines(template: String, line: Int) {
        let error = #expect(throws: ChatTemplateError.self) { try Snippet(template, "").render() }
        #expect(error?.line == line)
    }

    @Test("A template's own refusal carries its message")
    func raised() {
        let error = #expect(throws: ChatTemplateError.self) {
            try Snippet("{{ raise_exception('Roles must alternate: ' ~ n) }}", "").render()
        }
        #expect(error?.code == .raised)
        #expect(error?.message == "Roles must alternate: 5")
    }

    private func check(_ snippet: Snippet) throws {
        let text = try snippet.render()
        #expect(text.unicodeScalars.elementsEqual((snippet.text ?? "").unicodeScalars), "\(text.debugDescription)")
    }

    private func checkFailure(_ snippet: Snippet) {
        let error = #expect(throws: ChatTemplateError.self) { try snippet.render() }
        #expect(error?.code == snippet.code, "\(String(describing: error))")
    }
}
