package import Generation
package import JSON

/// What a chat asks for besides its messages.
package struct ChatOptions: Sendable {
    package var toolChoice = ToolChoice.auto
    package var allowsParallelCalls = true
    /// Further variables of the template, `enable_thinking` and `reasoning_effort` among them.
    package var variables: [(String, JSONValue)] = []
    /// The last message is the beginning of the answer.
    package var continues = false
    /// Reasoning and calls are taken out of the text.
    package var readsAnswer = true
    /// Seconds since 1970, for templates that print the date.
    package var nowUnixSeconds: Int

    package init(nowUnixSeconds: Int) { self.nowUnixSeconds = nowUnixSeconds }
}
