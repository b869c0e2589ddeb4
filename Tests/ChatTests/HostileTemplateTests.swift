import Engine
import JSON
import Testing

/// What would take the process with it, if it were not seen in front. Templates that only take long, or much memory, are ended with
/// the preparation process, and are tested there.
@Suite("Chat templates that mean harm")
struct HostileTemplateTests {
    private static func render(_ source: String) throws -> String {
        let prompter = ChatPrompter(try ChatTemplates(source: source, beginningOfText: "<s>", endOfText: "</s>"))
        return try prompter.prompt(
            Conversation(messages: [["role": "user", "content": "Hello"]], tools: nil), ChatOptions(nowUnixSeconds: 0)
        ).text
    }

    @Test(
        "Source nested too deep is refused",
        arguments: [
            ("{{ ", "(", "1", ")", " }}"), ("{{ ", "[", "1", "]", " }}"), ("{{ ", "-", "1", "", " }}"),
            ("{{ ", "- ", "1", "", " }}"), ("{{ ", "not ", "1", "", " }}"), ("{{ 1", " + 1", "", "", " }}"),
            ("{{ 1", " * 1", "", "", " }}"), ("{{ x", ".y", "", "", " }}"), ("{{ x", "|e", "", "", " }}"),
            ("{{ x", " and x", "", "", " }}"), ("{{ x", "()", "", "", " }}"), ("{{ x", " if x", "", "", " }}"),
            ("{{ x", "[0]", "", "", " }}"), ("{{ x", " is y", "", "", " }}"), ("{{ x", " ~ y", "", "", " }}"),
            ("{{ ", "f(", "1", ")", " }}"), ("{{ 1", " if 1 else 1", "", "", " }}"), ("{{ ", "{1:", "1", "}", " }}"),
            ("{% set ", "(", "a", ")", " = 1 %}"), ("", "{% if 1 %}", "", "{% endif %}", ""),
            ("{% if 1 %}", "{% elif 1 %}", "", "", "{% endif %}"), ("", "{% if 1 %}{% else %}", "", "{% endif %}", ""),
            ("", "{% for i in x %}", "", "{% endfor %}", ""), ("", "{% macro f() %}", "", "{% endmacro %}", ""),
            ("", "{% set x %}", "", "{% endset %}", ""), ("", "{% filter e %}", "", "{% endfilter %}", ""),
            ("", "{% call f() %}", "", "{% endcall %}", ""), ("", "{% if 1 %}", "", "", ""),
            ("", "{% generation %}{% if 1 %}", "", "", ""),
        ])
    func nesting(start: String, opening: String, middle: String, closing: String, end: String) {
        let source =
            start + String(repeating: opening, count: 20_000) + middle + String(repeating: closing, count: 20_000) + end
        let error = #expect(throws: ChatError.self) { try Self.render(source) }
        #expect(error?.code == .limit, "\(String(describing: error))")
    }

    @Test("A template of more than a mebibyte is refused")
    func size() {
        let error = #expect(throws: ChatError.self) {
            try Self.render(String(repeating: "x", count: 1 << 20) + "{{ 1 }}")
        }
        #expect(error?.code == .limit)
    }

    @Test(
        "Macros that call themselves end before the stack does",
        arguments: [
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% macro f(x) %}{% if x %}{{ [f([x])] }}{% endif %}{% endmacro %}{{ f(1) }}",
            "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% macro f() %}{% call f() %}{{ f() }}{% endcall %}{% endmacro %}{{ f() }}",
            "{% if true %}{% macro f() %}{% set x %}{{ f() }}{% endset %}{% endmacro %}{% endif %}{{ f() }}",
            "{% macro f() %}{% macro g() %}{{ f() }}{% endmacro %}{{ g() }}{% endmacro %}{{ f() }}",
            "{% macro f(x=f()) %}{{ x }}{% endmacro %}{{ f() }}",
        ])
    func recursion(source: String) {
        #expect(throws: ChatError.self) { try Self.render(source) }
    }

    @Test("Macros that end are run", arguments: [1, 20, 60])
    func ends(depth: Int) throws {
        let source =
            "{% macro f(n) %}{% if n > 0 %}.{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(\(depth)) }}{{ messages[0].content }}"
        #expect(try Self.render(source) == String(repeating: ".", count: depth) + "Hello")
    }

    @Test(
        "What is no template is refused",
        arguments: [
            "{{", "{%", "{{ 1", "{% if %}", "{% endif %}", "{{ 1 + }}", "{# never ends", "{% for %}", "{{ 'x }}",
            "{{ x.items( }}", "{% set = 1 %}", "{{ raise_exception('no') }}", "{{ 1 / 0 }}",
            "{{ undefined_function() }}",
            "{% unknown %}", "{{ {}}}}", "{{ 99999999999999999999 }}", "\u{0}{{ \u{0} }}",
        ])
    func broken(source: String) {
        do {
            _ = try Self.render(source + "{{ messages[0].content }}")
        } catch {
            #expect(error is ChatError)
        }
    }
}
