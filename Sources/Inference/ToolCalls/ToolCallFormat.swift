/// How a model writes tool calls into its text, which follows from its chat template.
package enum ToolCallFormat: Sendable, Hashable, CaseIterable {
    /// The model has no tool calls, or writes them in a way that is not understood: everything is text.
    case none
    /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>` (Hermes, Qwen)
    case hermes
    /// `{"name": …, "parameters": {…}}` as the whole answer, or after `<|python_tag|>` (Llama 3)
    case llama
    /// `[TOOL_CALLS][{"name": …, "arguments": {…}}, …]` (Mistral up to tokenizer v7)
    case mistral
    /// `[TOOL_CALLS]name[ARGS]{…}` for each call (Mistral from tokenizer v11 on)
    case mistralNamed

    /// The format that a model uses whose chat template is this one.
    package static func detect(template: String) -> ToolCallFormat {
        if template.contains("[TOOL_CALLS]") { return template.contains("[ARGS]") ? .mistralNamed : .mistral }
        // Other formats share these markers, but write something else than JSON between them.
        let otherMarkers = ["<function=", "<arg_key>", "<invoke name=", "<parameter="]
        guard !otherMarkers.contains(where: template.contains) else { return .none }
        if template.contains("<tool_call>"), template.contains("arguments") { return .hermes }
        if template.contains("<|start_header_id|>"), template.contains("\"parameters\": ") { return .llama }
        if template.contains("<|python_tag|>") { return .llama }
        return .none
    }

    /// What begins a call wherever it stands in the text.
    var marker: String? {
        switch self {
        case .none: nil
        case .hermes: "<tool_call>"
        case .llama: "<|python_tag|>"
        case .mistral, .mistralNamed: "[TOOL_CALLS]"
        }
    }

    /// How many characters the ids of calls have, and the prefix that they begin with: Mistral's templates want nine letters
    /// and digits, everyone else takes what OpenAI's look like.
    var identifierForm: (prefix: String, length: Int) {
        switch self {
        case .mistral, .mistralNamed: ("", 9)
        case .none, .hermes, .llama: ("call_", 24)
        }
    }
}

/// How a model marks its reasoning, which follows from its chat template.
package struct ReasoningFormat: Sendable, Hashable {
    package let start: String
    package let end: String

    package static let think = ReasoningFormat(start: "<think>", end: "</think>")
    package static let bracketedThink = ReasoningFormat(start: "[THINK]", end: "[/THINK]")
    package static let seedThink = ReasoningFormat(start: "<seed:think>", end: "</seed:think>")

    /// The marks that a model uses whose chat template is this one; `nil` if it does not reason.
    package static func detect(template: String) -> ReasoningFormat? {
        [.seedThink, .bracketedThink, .think].first { template.contains($0.end) || template.contains($0.start) }
    }

    /// Whether a prompt ends inside of reasoning, as some templates begin it for the model.
    package func isOpen(atEndOf prompt: String) -> Bool {
        var rest = prompt[...]
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest.hasSuffix(start)
    }
}
