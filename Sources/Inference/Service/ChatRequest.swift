import ChatTemplate

/// The tools of a conversation, and whether one has to be called.
struct ChatRequest {
    /// What the client allows the model.
    enum Choice {
        case none
        case auto
        case required(name: String?)
    }

    /// Tools that the model is told of.
    let tools: [JSONValue]
    let choice: Choice

    /// - Parameter choice: OpenAI's `tool_choice`: "none", "auto", "required", or an object that names a function.
    init(tools: [JSONValue], choice: JSONValue?) {
        switch choice {
        case "none": self.choice = .none
        case "required": self.choice = .required(name: nil)
        case let named? where named["function"]?["name"]?.string != nil:
            self.choice = .required(name: named["function"]?["name"]?.string)
        default: self.choice = .auto
        }
        if case .none = self.choice { self.tools = [] } else { self.tools = tools }
    }

    /// The grammar that the answer has to keep to: the one that is given, or one that forces a call.
    ///
    /// - Throws: `InferenceError` when a call is required that the model cannot write.
    func grammar(form: OutputForm, prompt: String, given: String?) throws(InferenceError) -> String? {
        guard case .required(let name) = choice, !tools.isEmpty else { return given }
        guard given == nil else {
            throw .badRequest("tool_choice", "a required tool call and a response format exclude each other")
        }
        do {
            let reasoning: ToolCallGrammar.Reasoning =
                form.reasoning.map { $0.isOpen(atEndOf: prompt) ? .open($0) : .optional($0) } ?? .none
            if let grammar = try ToolCallGrammar.forcing(
                tools, named: name, format: form.toolCalls, reasoning: reasoning)
            {
                return grammar
            }
        } catch {
            throw InferenceError(
                .badRequest, "the tools' parameters cannot be honoured: \(error)", parameter: "tools", cause: error)
        }
        throw InferenceError(
            .unsupported, "the model's chat template knows no tool calls that could be required",
            hint: "leave tool_choice out, or use a model with tool calls", parameter: "tool_choice")
    }

    /// How the answer is taken apart.
    ///
    /// - Parameter isFree: The response format leaves the model its own text, reasoning included.
    func output(form: OutputForm, prompt: String, isFree: Bool) -> OutputForm {
        var output = form
        if tools.isEmpty { output.toolCalls = .none }
        if !isFree { output.reasoning = nil }
        output.startsInReasoning = output.reasoning?.isOpen(atEndOf: prompt) ?? false
        output.toolNames = Set(tools.compactMap { ($0["function"] ?? $0)["name"]?.string })
        return output
    }
}
