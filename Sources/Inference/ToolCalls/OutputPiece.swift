/// A piece of an answer, once it is known what it is.
package enum OutputPiece: Sendable, Equatable {
    /// Text for the reader.
    case text(String)
    /// What the model thought before it answered.
    case reasoning(String)
    /// A tool call.
    case toolCall(ToolCallDelta)
}

/// Makes the ids of tool calls.
package struct ToolCallIdentifiers: Sendable {
    /// A number below the given bound.
    private let random: @Sendable (Int) -> Int

    package init(random: @escaping @Sendable (Int) -> Int = { Int.random(in: 0..<$0) }) { self.random = random }

    /// An id as the format's template wants it.
    func make(for format: ToolCallFormat) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        let form = format.identifierForm
        return form.prefix + String((0..<form.length).map { _ in letters[random(letters.count)] })
    }
}
