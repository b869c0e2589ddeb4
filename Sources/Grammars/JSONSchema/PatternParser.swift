/// What a pattern asks for that a grammar cannot give.
struct PatternError: Error {
    let message: String
}

/// Makes a grammar of a regular expression (the part of ECMA-262 without assertions and back references).
///
/// Without `^` or `$` anything may come before or after, as JSON Schema has it. Characters that JSON escapes are written escaped.
struct PatternParser {
    private let pattern: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    /// The rule for one character of a string.
    private let character: String

    init(_ pattern: String, character: String) {
        self.pattern = Array(pattern.unicodeScalars)
        self.character = character
    }

    mutating func body(_ rules: inout GrammarRules) throws(PatternError) -> String {
        let isAnchoredAtStart = consume("^")
        let alternatives = try alternatives(&rules)
        let isAnchoredAtEnd = consume("$")
        guard index == pattern.count else {
            throw PatternError(
                message: peek == ")"
                    ? "has a bracket too many" : "has '\(pattern[index])' where it is not supported")
        }
        guard alternatives.count == 1 || (!isAnchoredAtStart && !isAnchoredAtEnd) else {
            // "^a|b$" anchors each alternative on one side only, which is hardly ever meant.
            throw PatternError(message: "needs brackets around alternatives between ^ and $")
        }
        let before = isAnchoredAtStart ? "" : "\(character)* "
        let after = isAnchoredAtEnd ? "" : " \(character)*"
        return before + GrammarRules.alternatives(alternatives) + after
    }

    private mutating func alternatives(_ rules: inout GrammarRules) throws(PatternError) -> [String] {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 50 else { throw PatternError(message: "is nested deeper than 50 brackets") }
        var alternatives: [String] = []
        repeat { alternatives.append(try sequence(&rules)) } while consume("|")
        return alternatives
    }

    private mutating func sequence(_ rules: inout GrammarRules) throws(PatternError) -> String {
        var parts: [String] = []
        while let next = peek, next != "|", next != ")", next != "$" {
            let atom = try atom(&rules)
            parts.append(try quantified(atom, &rules))
        }
        return parts.isEmpty ? "\"\"" : parts.joined(separator: " ")
    }

    private mutating func quantified(_ atom: String, _ rules: inout GrammarRules) throws(PatternError)
        -> String
    {
        var result = atom
        switch peek {
        case "*":
            index += 1
            result = rules.repeated(atom, 0, nil)
        case "+":
            index += 1
            result = rules.repeated(atom, 1, nil)
        case "?":
            index += 1
            result = rules.repeated(atom, 0, 1)
        case "{":
            index += 1
            guard let minimum = number() else {
                throw PatternError(message: "has '{' that is no repetition")
            }
            var maximum: Int? = minimum
            if consume(",") { maximum = number() }
            guard consume("}"), maximum.map({ $0 >= minimum && $0 <= 10_000 }) ?? true, minimum <= 10_000
            else {
                throw PatternError(message: "has a repetition that is wrong or above 10000")
            }
            result = rules.repeated(atom, minimum, maximum)
        default: return result
        }
        _ = consume("?")  // lazy repetitions match the same strings
        if let next = peek, "*+?{".unicodeScalars.contains(next) {
            throw PatternError(message: "repeats a repetition")
        }
        return result
    }

    private mutating func atom(_ rules: inout GrammarRules) throws(PatternError) -> String {
        let scalar = pattern[index]
        index += 1
        switch scalar {
        case "(":
            if consume("?"), !consume(":") {
                throw PatternError(message: "uses a group that is not supported")
            }
            let inner = try alternatives(&rules)
            guard consume(")") else { throw PatternError(message: "has a bracket that is not closed") }
            return inner.count == 1 ? "(\(inner[0]))" : GrammarRules.alternatives(inner)
        case "[": return try characterClass()
        case ".": return negated([])
        case "\\": return try escape()
        case "^", "*", "+", "?", "{":
            throw PatternError(message: "has '\(scalar)' where it is not supported")
        default: return literal(scalar)
        }
    }

    /// The character as JSON writes it.
    private func literal(_ scalar: Unicode.Scalar) -> String {
        let escaped = scalar == "\"" || scalar == "\\" ? "\\\(scalar)" : String(scalar)
        return GrammarRules.literal(escaped)
    }

    // MARK: - Classes

    private static let digits: [ClosedRange<Unicode.Scalar>] = ["0"..."9"]
    private static let word: [ClosedRange<Unicode.Scalar>] = [
        "0"..."9", "A"..."Z", "_"..."_", "a"..."z",
    ]

    private mutating func escape() throws(PatternError) -> String {
        guard let scalar = peek else { throw PatternError(message: "ends in a backslash") }
        index += 1
        switch scalar {
        case "d": return GrammarRules.characterClass(PatternParser.digits)
        case "D": return negated(PatternParser.digits)
        case "w": return GrammarRules.characterClass(PatternParser.word)
        case "W": return negated(PatternParser.word)
        case "s": return "\" \""
        case "S": return negated([" "..." "])
        case _ where scalar.properties.isAlphabetic || ("0"..."9").contains(scalar):
            throw PatternError(message: "uses '\\\(scalar)', which is not supported")
        default: return literal(scalar)
        }
    }

    private mutating func characterClass() throws(PatternError) -> String {
        let isNegated = consume("^")
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while let scalar = peek, scalar != "]" {
            index += 1
            if scalar == "\\", let shorthand = try shorthand() {
                ranges += shorthand
                continue
            }
            let start = scalar == "\\" ? try escapedInClass() : scalar
            guard peek == "-", index + 1 < pattern.count, pattern[index + 1] != "]" else {
                ranges.append(start...start)
                continue
            }
            index += 1
            var end = pattern[index]
            index += 1
            if end == "\\" { end = try escapedInClass() }
            guard start <= end else { throw PatternError(message: "has a range in the wrong order") }
            ranges.append(start...end)
        }
        guard consume("]"), !ranges.isEmpty else {
            throw PatternError(message: "has a character class that is empty or not closed")
        }
        if isNegated { return negated(ranges) }
        let needsEscape = ranges.contains {
            $0.contains("\"") || $0.contains("\\") || $0.lowerBound.value < 0x20
        }
        guard !needsEscape else {
            throw PatternError(
                message: "has a character class with quotes, backslashes or control characters")
        }
        return GrammarRules.characterClass(ranges)
    }

    private mutating func shorthand() throws(PatternError) -> [ClosedRange<Unicode.Scalar>]? {
        switch peek {
        case "d":
            index += 1
            return PatternParser.digits
        case "w":
            index += 1
            return PatternParser.word
        case "s":
            index += 1
            return [" "..." "]
        case "D", "W", "S": throw PatternError(message: "uses a negated class inside of a class")
        default: return nil
        }
    }

    private mutating func escapedInClass() throws(PatternError) -> Unicode.Scalar {
        guard let scalar = peek, !scalar.properties.isAlphabetic else {
            throw PatternError(message: "uses an escape that is not supported in a character class")
        }
        index += 1
        return scalar
    }

    /// Every character that JSON writes without an escape, but those given.
    private func negated(_ ranges: [ClosedRange<Unicode.Scalar>]) -> String {
        GrammarRules.characterClass(
            ["\""..."\"", "\\"..."\\", "\u{7F}"..."\u{7F}", "\0"..."\u{1F}"] + ranges, isNegated: true)
    }

    // MARK: - Reading

    private var peek: Unicode.Scalar? { index < pattern.count ? pattern[index] : nil }

    private mutating func consume(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        index += 1
        return true
    }

    private mutating func number() -> Int? {
        let start = index
        while let next = peek, ("0"..."9").contains(next), index - start < 7 { index += 1 }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: pattern[start..<index])
        return Int(String(text))
    }
}
