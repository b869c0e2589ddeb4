/// A conversation as a prompt, and how its answer is held to a form and read.
package struct ChatPrompt: Sendable {
    package var text: String
    /// GBNF; empty for none.
    package var grammar = ""
    /// The grammar holds from the first of these texts on; empty: from the beginning.
    package var triggers: [String] = []
    /// What the template has written of the answer; a grammar that holds from the beginning begins with it.
    package var generationPrompt = ""
    /// Texts that may be control tokens and that the reader of the answer has to see.
    package var markers: [String] = []
    package var stops: [String] = []
    /// Where the model thinks: nil where it does not.
    package var reasoning: ReasoningMarks?
    /// What ``AnswerReader`` is made of; nil: all of the answer is text.
    package var form: String?
}

/// The texts around a model's reasoning.
package struct ReasoningMarks: Sendable, Equatable {
    package var start: String
    package var ends: [String]
    /// The prompt ends inside of reasoning.
    package var isOpen: Bool
}
