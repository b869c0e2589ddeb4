/// A template that cannot be read, or that cannot render what it was given.
package struct ChatTemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        /// The template's text is not valid.
        package static let syntax = Code(description: "syntax")
        /// Something was asked of a variable, key or attribute that does not exist.
        package static let undefined = Code(description: "undefined")
        /// An operation, filter or function got values that it cannot work with.
        package static let evaluation = Code(description: "evaluation")
        /// The template itself refused the conversation (`raise_exception`); the message is the template's.
        package static let raised = Code(description: "raised")
        /// What the template asked for is forbidden, such as changing a list in place or loading another template.
        package static let forbidden = Code(description: "forbidden")
        /// The template needed more steps, output or nesting than it may use.
        package static let limitExceeded = Code(description: "limitExceeded")
    }

    package let code: Code
    package let message: String
    /// The line of the template, counted from 1; `nil` where none is to blame.
    package internal(set) var line: Int?

    init(_ code: Code, _ message: String, line: Int? = nil) {
        self.code = code
        self.message = message
        self.line = line
    }

    package var description: String {
        line.map { "chat template, line \($0): \(message)" } ?? "chat template: \(message)"
    }
}

/// How much a template may use, so that a hostile one ends.
package struct ChatTemplateLimits: Hashable, Sendable {
    /// Evaluated expressions, executed statements, and elements or groups of 8 bytes made by an operation, all added up.
    package var steps: Int
    /// The most UTF-8 bytes of text that a template may print, or hold in one string.
    package var textBytes: Int
    /// How deep expressions and blocks may be nested in the source.
    package var nesting: Int
    /// How deep statements, expressions and macro calls may be nested while rendering.
    package var recursion: Int

    package init(steps: Int = 20_000_000, textBytes: Int = 64 << 20, nesting: Int = 200, recursion: Int = 400) {
        self.steps = steps
        self.textBytes = textBytes
        self.nesting = nesting
        self.recursion = recursion
    }

    package static let defaults = ChatTemplateLimits()
}
