package import ChatTemplate

/// Grammars that make a model call a tool.
package enum ToolCallGrammar {
    /// Where the model may reason before the call.
    package enum Reasoning: Sendable, Hashable {
        case none
        /// The model may begin with reasoning.
        case optional(ReasoningFormat)
        /// The prompt began the reasoning, which the model has to end.
        case open(ReasoningFormat)
    }

    /// A grammar for one call or more of the given tools in the model's format.
    ///
    /// - Parameters:
    ///   - tools: Tools as clients send them: `{"type": "function", "function": {"name", "parameters"}}`.
    ///   - name: The one tool that has to be called; `nil` if any may be.
    ///   - allowsSeveral: Whether more than one call may come.
    /// - Returns: `nil` if the format has no calls.
    /// - Throws: ``JSONSchemaError`` if the parameters of a tool demand what a grammar cannot express.
    package static func forcing(
        _ tools: [JSONValue], named name: String? = nil, format: ToolCallFormat, allowsSeveral: Bool = false,
        reasoning: Reasoning = .none
    ) throws(JSONSchemaError) -> String? {
        guard format != .none else { return nil }
        var rules = GrammarRules()
        let space = JSONPrimitive.space.add(to: &rules)
        var calls: [String] = []
        for (index, tool) in tools.enumerated() {
            let function = tool["function"] ?? tool
            guard let toolName = function["name"]?.string, name == nil || name == toolName else { continue }
            let schema =
                function["parameters"].flatMap { $0.isNull ? nil : $0 } ?? ["type": "object", "properties": [:]]
            var converter = JSONSchemaConverter(document: schema)
            converter.rules = rules
            let body = try converter.convertDocument(name: "tool-\(index)")
            rules = converter.rules
            let arguments = rules.add("tool-\(index)-arguments", body)
            calls.append(rules.add("tool-\(index)-call", call(toolName, arguments, format: format, space: space)))
        }
        guard !calls.isEmpty else {
            throw JSONSchemaError(
                code: .invalid, keyword: "tool_choice", path: "#",
                message: name.map { "names the tool '\($0)', which is not among the tools" }
                    ?? "needs at least one tool")
        }
        let one = rules.add("call", calls.joined(separator: " | "))
        let answer = answer(one, format: format, space: space, allowsSeveral: allowsSeveral)
        rules.set("root", prefix(reasoning, in: &rules, space: space) + answer)
        return rules.text
    }

    private static func call(_ name: String, _ arguments: String, format: ToolCallFormat, space: String) -> String {
        let quoted = GrammarRules.literal(JSONValue.string(name).serialized())
        let key = format == .llama ? "parameters" : "arguments"
        if format == .mistralNamed { return "\(GrammarRules.literal("[TOOL_CALLS]\(name)[ARGS]")) \(arguments)" }
        return "\"{\" \(space) \"\\\"name\\\"\" \(space) \":\" \(space) \(quoted) \(space) \",\" \(space) "
            + "\"\\\"\(key)\\\"\" \(space) \":\" \(space) \(arguments) \(space) \"}\""
    }

    private static func answer(_ call: String, format: ToolCallFormat, space: String, allowsSeveral: Bool) -> String {
        switch format {
        case .hermes:
            let tagged = "\"<tool_call>\" \(space) \(call) \(space) \"</tool_call>\""
            return allowsSeveral ? "\(tagged) (\(space) \(tagged))*" : tagged
        case .mistral:
            return "\"[TOOL_CALLS]\" \(space) \"[\" \(space) \(call)"
                + (allowsSeveral ? " (\(space) \",\" \(space) \(call))*" : "")
                + " \(space) \"]\""
        case .mistralNamed: return allowsSeveral ? "\(call)+" : call
        case .llama, .none: return call
        }
    }

    private static func prefix(_ reasoning: Reasoning, in rules: inout GrammarRules, space: String) -> String {
        switch reasoning {
        case .none: return ""
        case .optional(let format):
            let thought = rules.add(
                "thought", "\(space) \(GrammarRules.literal(format.start)) \(rest(format, in: &rules))")
            return "\(thought)? \(space) "
        case .open(let format): return "\(rest(format, in: &rules)) \(space) "
        }
    }

    /// Any text up to the end of reasoning: one rule for every number of letters of the mark that were just written.
    ///
    /// The first letter of a mark occurs nowhere else in it, so that a letter that does not go on with the mark leads back to the
    /// beginning, or to the first letter.
    private static func rest(_ format: ReasoningFormat, in rules: inout GrammarRules) -> String {
        let mark = Array(format.end.unicodeScalars)
        let names = mark.indices.map { "\(rules.freeName("reasoning"))-after-\($0)" }
        for (index, letter) in mark.enumerated() {
            let next = index + 1 < mark.count ? " \(names[index + 1])" : ""
            var options = ["\(GrammarRules.literal(String(letter)))\(next)"]
            if index > 0 { options.append("\(GrammarRules.literal(String(mark[0]))) \(names[1])") }
            let other = GrammarRules.characterClass(
                Set([letter, mark[0]]).sorted().map { $0...$0 }, isNegated: true)
            options.append("\(other) \(names[0])")
            rules.set(names[index], options.joined(separator: " | "))
        }
        return names[0]
    }
}
