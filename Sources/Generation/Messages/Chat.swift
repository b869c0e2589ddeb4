package import JSON

/// A conversation, and what the answer to it may do.
package struct Chat: Sendable, Equatable {
    package var messages: [ChatMessage]
    package var tools: [Tool]
    package var toolChoice: ToolChoice
    /// Whether an answer may hold more than one tool call.
    package var allowsParallelToolCalls = true
    /// The last message is the beginning of the answer, which goes on behind it.
    package var continuesLastMessage = false
    /// Further variables for the model's chat template.
    package var templateArguments: [String: JSONValue] = [:]

    package init(_ messages: [ChatMessage], tools: [Tool] = [], toolChoice: ToolChoice = .auto) {
        self.messages = messages
        self.tools = tools
        self.toolChoice = toolChoice
    }
}
