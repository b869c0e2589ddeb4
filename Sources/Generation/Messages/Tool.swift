package import JSON

/// A function that an answer may call.
package struct Tool: Sendable, Equatable {
    package var name: String
    package var description: String
    /// JSON schema of an object; nil for a function without parameters.
    package var parameters: JSONValue?
    /// The arguments must be what the schema says, exactly.
    package var isStrict: Bool

    package init(name: String, description: String = "", parameters: JSONValue? = nil, isStrict: Bool = false) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.isStrict = isStrict
    }
}

/// Whether an answer calls a tool.
package enum ToolChoice: Sendable, Equatable {
    /// As the model likes.
    case auto
    /// It does not, and the model is told of no tools.
    case none
    /// It must call one.
    case required
    /// It must call this one.
    case named(String)

    /// Whether an answer without a call is none.
    package var isBinding: Bool { self != .auto && self != .none }
}
