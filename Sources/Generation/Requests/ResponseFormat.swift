package import JSON

/// What the generated text must be.
package enum ResponseFormat: Sendable {
    case text
    /// Any JSON object.
    case jsonObject
    /// JSON that a schema accepts.
    case jsonSchema(JSONValue)
    /// Text that a GBNF grammar accepts.
    case grammar(String)

    /// Whether the model may write what it likes.
    package var isFree: Bool {
        if case .text = self { true } else { false }
    }
}
