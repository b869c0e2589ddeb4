/// Why a conversation could not be made a prompt of.
package struct ChatError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        /// The template itself refuses the conversation.
        package static let raised = Code(description: "raised")
        /// The template cannot be read or run.
        package static let failed = Code(description: "failed")
        /// A text of the conversation is not in the prompt, whatever form the conversation is given.
        package static let lost = Code(description: "lost")
        /// The model's template knows no tool calls that could be demanded.
        package static let noToolCalls = Code(description: "noToolCalls")
        /// A template or an answer is larger, or nested deeper, than it may be.
        package static let limit = Code(description: "limit")
        package static let outOfMemory = Code(description: "outOfMemory")
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
