import JSON
import Testing

extension EndToEnd {
    /// A model's file may say anything: its template fails, and nothing else does.
    @Suite struct HostileTemplateTests {
        static let templates: [(name: String, template: String)] = [
            ("splitlines", "{{ ('\\n' * 60000000).splitlines() | length }}"),
            ("split", "{{ ('a ' * 60000000).split(' ') | length }}"),
            ("indent", "{{ ('\\n' * 60000000) | indent(8) | length }}"),
            ("wordcount", "{{ ('a ' * 60000000) | wordcount }}"),
            (
                "startswith",
                "{% for i in range(100000) %}{% for j in range(100000) %}{% if 'abc'.startswith('a') %}{% endif %}{% endfor %}{% endfor %}"
            ),
            (
                "keys",
                "{% set k = 'k' * 8000000 %}{% set d = {k: 1} %}{% for i in range(1000000) %}{{ d[k] }}{% endfor %}"
            ),
            (
                "growing",
                "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}"
            ),
            ("macro", "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}"),
            ("nesting", String(repeating: "{{ (", count: 1) + String(repeating: "(", count: 50_000)),
            ("brackets", "{{ " + String(repeating: "[", count: 50_000) + String(repeating: "]", count: 50_000) + " }}"),
            ("ifs", String(repeating: "{% if 1 %}", count: 20_000) + String(repeating: "{% endif %}", count: 20_000)),
            ("range", "{{ range(1000000000) | list | length }}"),
            ("broken", "{% for %}{{ }}"),
        ]

        @Test(arguments: ScriptedPlace.allCases)
        func `a hostile template fails its own model alone`(place: ScriptedPlace) async throws {
            let good = ScriptedModelSetup(
                id: "good", pieces: ["fine"],
                chatTemplate: "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:")
            let models = Self.templates.map { ScriptedModelSetup(id: "bad-\($0.name)", chatTemplate: $0.template) }
            try await withScriptedNode([good] + models, place) { node in
                _ = try await node.post("/v1/chat/completions", Self.chat("good"))
                let before = ProcessTable.residentBytes(of: node.processID)
                for model in models {
                    let began = ContinuousClock.now
                    let answer = try await node.request(.post, "/v1/chat/completions", Self.chat(model.id))
                    let taken = began.duration(to: .now)
                    let text = String(decoding: answer.body, as: UTF8.self)
                    #expect([400, 503].contains(answer.status), "\(model.id): \(answer.status) \(text)")
                    #expect(taken < .seconds(8), "\(model.id) took \(taken)")
                    let other = try await node.post("/v1/chat/completions", Self.chat("good"))
                    #expect(other["choices"]?[0]?["message"]?["content"]?.string == "fine")
                }
                let grown = ProcessTable.residentBytes(of: node.processID) - before
                #expect(grown < 64 << 20, "the daemon grew by \(grown >> 20) MiB")
            }
        }

        private static func chat(_ model: String) -> JSONValue {
            [
                "model": .string(model), "max_tokens": 8, "temperature": 0,
                "messages": [["role": "user", "content": "Hello"]],
            ]
        }
    }
}
