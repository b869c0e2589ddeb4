/// A JSON schema that no grammar can be made of.
package struct JSONSchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the schema.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        /// The keyword is understood, but cannot be honoured here; ignoring it would let wrong answers through.
        package static let unsupported = Code(description: "unsupported")
        /// The keyword's value is not what JSON Schema allows, or no value can fulfil the schema.
        package static let invalid = Code(description: "invalid")
        /// The grammar would be too large.
        package static let tooLarge = Code(description: "tooLarge")
    }

    package let code: Code
    /// The keyword that cannot be honoured.
    package let keyword: String
    /// Where in the schema the keyword stands, as a JSON pointer (`#/properties/age`).
    package let path: String
    /// What is wrong, and what to write instead where that is known.
    package let message: String

    package var description: String { "\(path): '\(keyword)' \(message)" }
}
