import ChatTemplate
import Foundation
import Testing

@Suite("Templates that mean harm")
struct HostileTemplateTests {
    /// Enough for every honest template, and little enough to fail soon in a debug build.
    static let limits = ChatTemplateLimits(steps: 300_000, textBytes: 1 << 20, nesting: 200, recursion: 500)

    @Test(
        "A template that never ends, or makes too much, is stopped",
        arguments: [
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "{% for a in range(1000000000) %}{% endfor %}",
            "{{ range(-9223372036854775807, 9223372036854775807)|list }}",
            "{{ 'x' * 1000000000 }}", "{{ 'x' * 9223372036854775807 }}", "{{ [1] * 1000000000 }}",
            "{{ 9223372036854775807 * [1, 2] }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% macro f(x) %}{{ f([x]) }}{% endmacro %}{{ f(1) }}",
            "{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
            "{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}",
            "{% set ns = namespace(l={}) %}{% for i in range(100000) %}{% set ns.l = {'a': ns.l} %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
            "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
            "{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}",
            "{{ 'a'.ljust(1000000000) }}", "{{ 'a'.center(9223372036854775807) }}", "{{ 'a'|center(1000000000) }}",
            "{{ '1'.zfill(1000000000) }}",
            "{{ '%1000000000d' % 1 }}", "{{ '%.1000000000d' % 1 }}", "{{ '{:1000000000}'.format('a') }}",
            "{{ '{:>99999999999999999999}'.format('a') }}",
            "{{ 'a\nb'|indent(1000000000) }}", "{{ [1]|batch(1000000000, 0)|list }}",
            "{{ [1]|slice(1000000000, 0)|list }}",
            "{{ [[1]]|tojson(indent=1000000000) }}", "{% set a = 'x' * 100000 %}{{ a|replace('', a) }}",
            "{% set a = 'x' * 100000 %}{{ a.join(a) }}",
            "{% set a = 'x' * 1000 %}{% for i in range(100000) %}{{ a }}{% endfor %}",
            "{% for i in [[1]] recursive %}{{ loop([i]) }}{% endfor %}",
            "{% set a = 'x' * 1000000 %}{% for i in range(1000) %}{{ a|length }}{{ a.upper()|length }}{% endfor %}",
        ])
    func stopped(template: String) {
        let clock = ContinuousClock()
        let start = clock.now
        let error = #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(source: template, limits: Self.limits).render(ChatTemplate.Input(messages: []))
        }
        #expect(error?.code == .limitExceeded, "\(String(describing: error))")
        #expect(clock.now - start < .seconds(30))
    }

    @Test(
        "Source nested too deep is refused",
        arguments: [
            ("{{ ", "(", "1", ")", " }}"), ("{{ ", "[", "1", "]", " }}"), ("{{ ", "-", "1", "", " }}"),
            ("{{ ", "not ", "1", "", " }}"),
            ("{{ 1", " + 1", "", "", " }}"), ("{{ 1", " ** 1", "", "", " }}"), ("{{ x", ".y", "", "", " }}"),
            ("{{ x", "|e", "", "", " }}"),
            ("{{ x", " and x", "", "", " }}"), ("{{ x", "()", "", "", " }}"), ("{{ x", " if x", "", "", " }}"),
            ("", "{% if 1 %}", "", "{% endif %}", ""),
            ("", "{% for i in x %}", "", "{% endfor %}", ""), ("{% set ", "(", "a", ")", " = 1 %}"),
            ("{{ 1", " if 1 else 1", "", "", " }}"),
            ("{{ ", "{1:", "1", "}", " }}"), ("", "{% macro f() %}", "", "{% endmacro %}", ""),
        ])
    func nesting(start: String, opening: String, middle: String, closing: String, end: String) {
        let source =
            start + String(repeating: opening, count: 10_000) + middle + String(repeating: closing, count: 10_000)
            + end
        let error = #expect(throws: ChatTemplateError.self) { try ChatTemplate(source: source) }
        #expect(error?.code == .limitExceeded, "\(String(describing: error))")
    }

    @Test(
        "Recursion ends before the stack does, whatever the limits",
        arguments: [
            "{% macro f(x) %}{% for i in [1] %}{% if x|map('upper')|list or 1 %}{{ [f((x ~ 'a')|trim)] }}{% endif %}{% endfor %}{% endmacro %}{{ f('') }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% macro f() %}{% filter upper %}{% set x %}{{ f(*[1]) }}{% endset %}{% endfilter %}{{ varargs }}{% endmacro %}{{ f() }}",
            "{% for i in [[1]] recursive %}{{ loop([i]) }}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(150) %}{% set ns.l = [ns.l] %}{% endfor %}"
                + "{% macro f() %}{{ ns.l|tojson|length }}{{ ns.l|string|length }}{{ ns.l == [1] }}{{ f() }}{% endmacro %}{{ f() }}",
            "{{ " + String(repeating: "(", count: 50_000) + "1" + String(repeating: ")", count: 50_000) + " }}",
            String(repeating: "{% if 1 %}", count: 50_000) + String(repeating: "{% endif %}", count: 50_000),
        ])
    func stack(template: String) async {
        let limits = ChatTemplateLimits(nesting: 1_000_000, recursion: 1_000_000)
        let error = #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(source: template, limits: limits).render(ChatTemplate.Input(messages: []))
        }
        #expect(error?.code == .limitExceeded, "\(String(describing: error))")
    }

    @Test("Deep values are walked without exhausting the stack")
    func deepValues() throws {
        let template = try ChatTemplate(
            source: """
                {% set ns = namespace(l=[1]) %}{% for i in range(150) %}{% set ns.l = [ns.l] %}{% endfor %}\
                {{ ns.l|string|length }} {{ ns.l|tojson|length }} {{ ns.l == [ns.l] }}
                """)
        #expect(try template.render(ChatTemplate.Input(messages: [])) == "303 303 False")
    }

    @Test("Values that refer to themselves are let go")
    func cycles() throws {
        let template = try ChatTemplate(
            source: """
                {% set ns = namespace() %}{% set ns.self = ns %}{% macro f() %}{{ ns }}{% endmacro %}{% set ns.f = f %}\
                {% for i in range(20000) %}{% set ns.inner = namespace(outer=ns.inner) %}{% set ns.loop = loop %}{% endfor %}ok{{ ns.self.f() | length > 0 }}
                """)
        #expect(try template.render(ChatTemplate.Input(messages: [])) == "okTrue")
    }

    @Test(
        "Integers that do not fit 64 bits are an error",
        arguments: [
            "9223372036854775807 + 1", "2 ** 64", "-9223372036854775807 - 2", "(-9223372036854775807 - 1) // -1",
            "-(-9223372036854775807 - 1)", "(-9223372036854775807 - 1)|abs", "99999999999 * 99999999999",
            "[9223372036854775807, 1]|sum", "99999999999999999999",
        ])
    func overflow(expression: String) {
        #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(source: "{{ \(expression) }}").render(ChatTemplate.Input(messages: []))
        }
    }

    @Test(
        "A template cannot reach beyond its variables",
        arguments: [
            "''.__class__", "messages.__class__.__mro__", "''.__class__.__mro__[1].__subclasses__()",
            "namespace.__init__.__globals__", "range.__self__", "''['__class__']", "''|attr('__class__')",
            "'{0.__class__}'.format('')",
        ])
    func sandbox(expression: String) {
        let text = try? ChatTemplate(source: "{{ \(expression) }}").render(ChatTemplate.Input(messages: []))
        #expect(text ?? "" == "")
    }

    @Test("Mutated templates render or fail, and neither crash nor hang", arguments: 0..<10)
    func mutations(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let sources = Snippet.all.map { Array($0.template.unicodeScalars) }
        let fragments = [
            "{%", "%}", "{{", "}}", "{#", "#}", "-", "(", ")", "[", "]", "|", ".", "'", "\"", "\\", " if ", " else ",
            " in ", "{% endif %}", "{% endfor %}", "{% for x in items %}", "~", "*", "**", "%", "999999999", ":", ",",
            "\n", "loop", "ns.", "é", "\u{0}",
        ]
        .map { Array($0.unicodeScalars) }
        let limits = ChatTemplateLimits(steps: 20_000, textBytes: 1 << 16)
        for _ in 0..<400 {
            var source = sources.randomElement(using: &random) ?? []
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let index = Int.random(in: 0...source.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: source.insert(contentsOf: fragments.randomElement(using: &random) ?? [], at: index)
                case 1: if index < source.count { source.remove(at: index) }
                case 2: source.append(contentsOf: (sources.randomElement(using: &random) ?? []).prefix(index))
                default:
                    let end = Int.random(in: index...source.count, using: &random)
                    source.removeSubrange(index..<end)
                }
            }
            let text = String(String.UnicodeScalarView(source))
            _ = try? ChatTemplate(source: text, limits: limits).render(
                ChatTemplate.Input(messages: [], extra: Snippet.variables, now: Snippet.now))
        }
    }
}
