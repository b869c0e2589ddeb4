/// How the text of an answer is taken apart, and which of its tokens are kept as text for that.
package struct OutputForm: Sendable {
    package var toolCalls: ToolCallFormat
    package var reasoning: ReasoningFormat?
    /// The prompt ended inside of reasoning.
    package var startsInReasoning = false
    /// The tools that may be called; nil: any.
    package var toolNames: Set<String>?
    /// Control tokens that mark calls or reasoning, with their text: engines send control tokens without any.
    package var markers: [Int32: [UInt8]] = [:]

    package init(toolCalls: ToolCallFormat, reasoning: ReasoningFormat? = nil) {
        self.toolCalls = toolCalls
        self.reasoning = reasoning
    }

    /// All texts that may be control tokens of some model.
    static let markerTexts = [
        "<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<think>", "</think>",
        "[THINK]", "[/THINK]", "<seed:think>", "</seed:think>",
    ]
}
