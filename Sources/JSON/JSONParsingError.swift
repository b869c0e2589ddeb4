/// A text that is no JSON document, or a larger one than allowed.
package struct JSONParsingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the text.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        /// A byte that cannot stand where it stands, or the end of the text where more had to come.
        package static let syntax = Code(description: "syntax")
        /// A string that is not UTF-8.
        package static let invalidUTF8 = Code(description: "invalidUTF8")
        /// A number beyond the range of 64-bit floating point.
        package static let numberOutOfRange = Code(description: "numberOutOfRange")
        /// Arrays and objects nested deeper than ``JSONLimits/depth``.
        package static let tooDeep = Code(description: "tooDeep")
        /// More bytes than ``JSONLimits/sizeBytes``, more values than ``JSONLimits/nodes``, or more of them that hold others than
        /// ``JSONLimits/containers``.
        package static let tooLarge = Code(description: "tooLarge")
    }

    package let code: Code
    /// Where in the text, in bytes from its start.
    package let offset: Int
    /// What was expected and what was found.
    package let message: String

    package var description: String { "invalid JSON at byte \(offset): \(message)" }
}

/// How large a document the parser accepts.
package struct JSONLimits: Hashable, Sendable {
    /// The most arrays and objects around a value. The parser recurses once for each.
    package var depth: Int
    /// The most bytes of text.
    package var sizeBytes: Int
    /// The most values: each takes memory however short its text is.
    package var nodes: Int
    /// The most arrays and objects, which take the most memory.
    package var containers: Int

    package init(
        depth: Int = 128, sizeBytes: Int = 64 << 20, nodes: Int = 1_000_000, containers: Int = 1_000_000
    ) {
        self.depth = depth
        self.sizeBytes = sizeBytes
        self.nodes = nodes
        self.containers = containers
    }

    package static let defaults = JSONLimits()
}
