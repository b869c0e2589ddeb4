#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A command with its arguments, as a setting has it: words between spaces, or a JSON list of strings. No shell is involved:
/// `$`, `*`, `;` and the like mean themselves.
package struct CommandWords: Hashable, Sendable {
    /// At least one, and none has a NUL byte.
    package let words: [String]

    /// Single quotes keep everything up to the next one; double quotes keep all but `\"` and `\\`; outside quotes a backslash keeps
    /// the character after it. Nil where a quote is not closed, nothing is left, or the program has no name.
    package init?(_ text: String) {
        if text.drop(while: \.isWhitespace).first == "[" {
            guard let words = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) else { return nil }
            self.init(words: words)
        } else {
            guard let words = Self.split(text) else { return nil }
            self.init(words: words)
        }
    }

    package init?(words: [String]) {
        guard let program = words.first, !program.isEmpty, words.allSatisfy({ !$0.utf8.contains(0) }) else {
            return nil
        }
        self.words = words
    }

    private static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String.UnicodeScalarView?
        var quote: Unicode.Scalar?
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            switch (quote, scalar) {
            case ("'", "'"), ("\"", "\""): quote = nil
            case ("'", _): word?.append(scalar)
            case ("\"", "\\"):
                guard let next = scalars.next() else { return nil }
                if next != "\"" && next != "\\" { word?.append(scalar) }
                word?.append(next)
            case (.some, _): word?.append(scalar)
            case (nil, "'"), (nil, "\""):
                quote = scalar
                if word == nil { word = String.UnicodeScalarView() }
            case (nil, "\\"):
                guard let next = scalars.next() else { return nil }
                word = word ?? String.UnicodeScalarView()
                word?.append(next)
            case (nil, _) where scalar.properties.isWhitespace:
                if let ended = word { words.append(String(ended)) }
                word = nil
            case (nil, _):
                word = word ?? String.UnicodeScalarView()
                word?.append(scalar)
            }
        }
        guard quote == nil else { return nil }
        if let ended = word { words.append(String(ended)) }
        return words
    }
}
