/// A grammar that the engine must not see: it would refuse it, hang, grow without end or die of it.
package struct GrammarError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong with the grammar.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        /// Text that is no GBNF.
        package static let syntax = Code(description: "syntax")
        /// More text, rules, elements or repetitions than ``GrammarLimits`` allow.
        package static let tooLarge = Code(description: "tooLarge")
        /// Groups, or first parts of rules, nested deeper than ``GrammarLimits`` allow: the engine recurses for each.
        package static let tooDeep = Code(description: "tooDeep")
        /// A name that no rule has.
        package static let unknownRule = Code(description: "unknownRule")
        /// A rule that may begin with itself.
        package static let leftRecursive = Code(description: "leftRecursive")
        /// No rule named `root`.
        package static let noRoot = Code(description: "noRoot")
        /// A character that no text has, such as NUL, or a class without characters: nothing could follow.
        package static let emptyCharacter = Code(description: "emptyCharacter")
        /// A token that the vocabulary does not have, or that stands where the engine cannot judge it.
        package static let unknownToken = Code(description: "unknownToken")
        /// Too many ways to read the same text.
        package static let ambiguous = Code(description: "ambiguous")
        /// A rule that no finite text fulfils: the answer could never end.
        package static let endless = Code(description: "endless")
    }

    package let code: Code
    /// The line of the place, from 1.
    package let line: Int
    /// The column of the place in Unicode scalars, from 1.
    package let column: Int
    /// What is wrong there.
    package let message: String

    package init(code: Code, line: Int, column: Int, message: String) {
        self.code = code
        self.line = line
        self.column = column
        self.message = message
    }

    package var description: String { "line \(line), column \(column): \(message)" }
}
