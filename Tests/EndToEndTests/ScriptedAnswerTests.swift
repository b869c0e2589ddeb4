import JSON
import Testing

extension EndToEnd {
    /// Known texts of a model, in the form in which it writes them, as clients get them: whole and streamed.
    @Suite struct ScriptedAnswerTests {
        /// What a model says, and what that is to a client.
        struct Script: Sendable {
            let id: String
            let text: String
            var content = ""
            var reasoning = ""
            var calls: [(name: String, arguments: String)] = []
            var finish = "stop"
        }

        /// ChatML with tools, as Qwen writes it, with reasoning in front.
        static let template = """
            {%- if tools %}{{- '<|im_start|>system\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n\
            You are provided with function signatures within <tools></tools> XML tags:\\n<tools>' }}{%- for tool in tools %}{{- '\\n' }}\
            {{- tool | tojson }}{%- endfor %}{{- '\\n</tools>\\n\\nFor each function call, return a json object with function name and \
            arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{"name": <function-name>, "arguments": <args-json-object>}\
            \\n</tool_call><|im_end|>\\n' }}{%- endif %}{%- for message in messages %}{%- if message.role == 'assistant' %}\
            {{- '<|im_start|>assistant\\n' }}{%- if message.reasoning_content %}{{- '<think>\\n' + message.reasoning_content + \
            '\\n</think>\\n\\n' }}{%- endif %}{{- message.content }}{%- for tool_call in message.tool_calls or [] %}\
            {{- '\\n<tool_call>\\n{"name": "' + tool_call.function.name + '", "arguments": ' }}\
            {{- tool_call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}\
            {%- elif message.role == 'tool' %}{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + \
            '\\n</tool_response><|im_end|>\\n' }}{%- else %}{{- '<|im_start|>' + message.role + '\\n' + message.content + \
            '<|im_end|>\\n' }}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
            """

        static let numbers = #"{"a": 12345678901234567890, "b": 1.10, "c": 1e5, "d": -0}"#

        static let scripts: [Script] = [
            Script(id: "plain", text: "Grüße aus Köln 🐟.", content: "Grüße aus Köln 🐟."),
            Script(
                id: "reasoning", text: "<think>\nLet me see.\n</think>\n\nIt is so.", content: "It is so.",
                reasoning: "Let me see."),
            Script(
                id: "call", text: "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>",
                calls: [("f", #"{"city": "Köln"}"#)], finish: "tool_calls"),
            Script(
                id: "text-call",
                text: "I look.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"city\": \"A\"}}\n</tool_call>",
                content: "I look.", calls: [("f", #"{"city": "A"}"#)], finish: "tool_calls"),
            Script(
                id: "two-calls",
                text: "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"city\": \"A\"}}\n</tool_call>\n"
                    + "<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>",
                calls: [("f", #"{"city": "A"}"#), ("g", "{}")], finish: "tool_calls"),
            Script(
                id: "numbers", text: "<tool_call>\n{\"name\": \"n\", \"arguments\": \(numbers)}\n</tool_call>",
                calls: [("n", numbers)], finish: "tool_calls"),
        ]

        static let tools: JSONValue = [
            [
                "type": "function",
                "function": [
                    "name": "f", "description": "Finds.",
                    "parameters": [
                        "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
                    ],
                ],
            ],
            ["type": "function", "function": ["name": "g"]],
            [
                "type": "function",
                "function": [
                    "name": "n",
                    "parameters": [
                        "type": "object",
                        "properties": [
                            "a": ["type": "integer"], "b": ["type": "number"], "c": ["type": "number"],
                            "d": ["type": "integer"],
                        ],
                    ],
                ],
            ],
        ]

        @Test(arguments: [(1, .whole), (3, .whole), (17, .whole), (3, .split)] as [(Int, ScriptedPlace)])
        func `what a model writes reaches clients as text, reasoning and calls, whole and streamed`(
            size: Int, place: ScriptedPlace
        ) async throws {
            let models = Self.scripts.map { script in
                ScriptedModelSetup(
                    id: script.id, pieces: ScriptedPiece.cut(script.text, every: size),
                    chatTemplate: Self.template, controlTokens: ["<|im_start|>", "<|im_end|>"])
            }
            try await withScriptedNode(models, place) { node in
                for script in Self.scripts {
                    let request = Self.request(script.id)
                    let whole = try await node.post("/v1/chat/completions", request)
                    let message = whole["choices"]?[0]?["message"]
                    Self.check(
                        script, content: message?["content"]?.string ?? "",
                        reasoning: message?["reasoning_content"]?.string ?? "",
                        calls: (message?["tool_calls"]?.array ?? []).map {
                            ($0["function"]?["name"]?.string ?? "", $0["function"]?["arguments"]?.string ?? "")
                        }, finish: whole["choices"]?[0]?["finish_reason"]?.string)
                    try await Self.checkStreamed(script, request, node)
                }
            }
        }

        private static func checkStreamed(_ script: Script, _ request: JSONValue, _ node: TestNode) async throws {
            var request = request
            request["stream"] = true
            var content = ""
            var reasoning = ""
            var calls: [(name: String, arguments: String)] = []
            var finish: String?
            try await node.stream("/v1/chat/completions", request) { event, _ in
                let choice = event["choices"]?[0]
                let delta = choice?["delta"]
                content += delta?["content"]?.string ?? ""
                reasoning += delta?["reasoning_content"]?.string ?? ""
                for call in delta?["tool_calls"]?.array ?? [] {
                    let index = call["index"]?.integer ?? 0
                    if let name = call["function"]?["name"]?.string { calls.append((name, "")) }
                    if calls.indices.contains(index) {
                        calls[index].arguments += call["function"]?["arguments"]?.string ?? ""
                    }
                }
                finish = choice?["finish_reason"]?.string ?? finish
                return true
            }
            check(script, content: content, reasoning: reasoning, calls: calls, finish: finish)
        }

        private static func check(
            _ script: Script, content: String, reasoning: String, calls: [(name: String, arguments: String)],
            finish: String?
        ) {
            let text = content.split(separator: "\n", omittingEmptySubsequences: true).joined(separator: "\n")
            #expect(text == script.content, "\(script.id)")
            #expect(reasoning.split(separator: "\n").joined() == script.reasoning, "\(script.id)")
            #expect(calls.map(\.name) == script.calls.map(\.name), "\(script.id)")
            #expect(calls.map(\.arguments) == script.calls.map(\.arguments), "\(script.id)")
            #expect(finish == script.finish, "\(script.id)")
        }

        private static func request(_ model: String) -> JSONValue {
            [
                "model": .string(model), "temperature": 0, "messages": [["role": "user", "content": "Go"]],
                "tools": tools,
            ]
        }

        @Test(arguments: ScriptedPlace.allCases)
        func `stops, and characters in pieces, are cut where they should be`(place: ScriptedPlace) async throws {
            let text = "One. Zwölf Fische 🐟🐠. STOP never."
            let models = [1, 2, 5].map { size in
                ScriptedModelSetup(
                    id: "cut\(size)", pieces: ScriptedPiece.cut(text, every: size), chatTemplate: Self.template,
                    controlTokens: ["<|im_start|>", "<|im_end|>"])
            }
            try await withScriptedNode(models, place) { node in
                for model in models {
                    var request = Self.request(model.id)
                    request["tools"] = nil
                    request["stop"] = "STOP"
                    var streamed = ""
                    request["stream"] = true
                    try await node.stream("/v1/chat/completions", request) { event, _ in
                        streamed += event["choices"]?[0]?["delta"]?["content"]?.string ?? ""
                        return true
                    }
                    #expect(streamed == "One. Zwölf Fische 🐟🐠. ")
                }
            }
        }
    }
}
