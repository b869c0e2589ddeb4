/// Reads a regular expression: the part of ECMA-262 without back references, with `^` and `$` at the ends of alternatives only and
/// with lookaheads only after `^`.
struct PatternParser {
    private let pattern: [Unicode.Scalar]
    private var index = 0
    private var depth = 0

    /// Groups inside of each other.
    private static let maximumDepth = 40
    private static let longestRepetition = 10_000

    init(_ pattern: String) { self.pattern = Array(pattern.unicodeScalars) }

    mutating func read() throws(PatternError) -> Pattern {
        let result = try branches()
        guard index == pattern.count else {
            throw PatternError(
                message: peek == ")" ? "has a bracket too many" : "has '\(pattern[index])' where it is not supported")
        }
        guard result.branches.count == 1 || !result.hasLookaheads else {
            throw PatternError(message: "has a lookahead beside alternatives")
        }
        return result
    }

    /// Alternatives with their anchors.
    private mutating func branches(isAnchored: Bool = false) throws(PatternError) -> Pattern {
        var branches: [Pattern.Branch] = []
        repeat {
            var branch = Pattern.Branch()
            branch.isAnchoredAtStart = consume("^") || isAnchored
            while branch.isAnchoredAtStart, let isNegative = consumeLookahead() {
                branch.lookaheads.append((try lookahead(), isNegative))
            }
            branch.node = try sequence()
            branch.isAnchoredAtEnd = consume("$")
            branches.append(branch)
        } while consume("|")
        return Pattern(branches: branches)
    }

    private mutating func lookahead() throws(PatternError) -> Pattern {
        try enter()
        defer { depth -= 1 }
        let inner = try branches(isAnchored: true)
        guard consume(")") else { throw PatternError(message: "has a bracket that is not closed") }
        guard !inner.hasLookaheads else { throw PatternError(message: "has a lookahead inside of another") }
        return inner
    }

    private mutating func consumeLookahead() -> Bool? {
        guard index + 2 < pattern.count, pattern[index] == "(", pattern[index + 1] == "?",
            pattern[index + 2] == "=" || pattern[index + 2] == "!"
        else { return nil }
        index += 3
        return pattern[index - 1] == "!"
    }

    private mutating func enter() throws(PatternError) {
        depth += 1
        guard depth <= PatternParser.maximumDepth else {
            throw PatternError(message: "is nested deeper than \(PatternParser.maximumDepth) brackets")
        }
    }

    private mutating func alternatives() throws(PatternError) -> PatternNode {
        try enter()
        defer { depth -= 1 }
        var alternatives: [PatternNode] = []
        repeat { alternatives.append(try sequence()) } while consume("|")
        return alternatives.count == 1 ? alternatives[0] : .alternatives(alternatives)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while let next = peek, next != "|", next != ")", next != "$" {
            let atom = try atom()
            parts.append(try quantified(atom))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func quantified(_ atom: PatternNode) throws(PatternError) -> PatternNode {
        let bounds: (Int, Int?)
        switch peek {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            index += 1
            guard let minimum = number() else { throw PatternError(message: "has '{' that is no repetition") }
            var maximum: Int? = minimum
            if consume(",") { maximum = number() }
            let most = PatternParser.longestRepetition
            guard peek == "}", maximum.map({ $0 >= minimum && $0 <= most }) ?? true, minimum <= most else {
                throw PatternError(message: "has a repetition that is wrong or above \(most)")
            }
            bounds = (minimum, maximum)
        default: return atom
        }
        index += 1
        _ = consume("?")  // lazy repetitions match the same strings
        if let next = peek, "*+?{".unicodeScalars.contains(next) { throw PatternError(message: "repeats a repetition") }
        return .repeated(atom, minimum: bounds.0, maximum: bounds.1)
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        let scalar = pattern[index]
        index += 1
        switch scalar {
        case "(":
            if consume("?") { try groupName() }
            let inner = try alternatives()
            guard consume(")") else { throw PatternError(message: "has a bracket that is not closed") }
            return inner
        case "[": return .characters(try characterClass())
        case ".": return .characters(CharacterSet(characters: "\n\r\u{2028}\u{2029}").complement)
        case "\\":
            if let set = try shorthand() { return .characters(set) }
            return .characters(CharacterSet(try escapedScalar(inClass: false)))
        case "^", "*", "+", "?", "{": throw PatternError(message: "has '\(scalar)' where it is not supported")
        default: return .characters(CharacterSet(scalar))
        }
    }

    /// What comes after `(?`: only that nothing is captured, or under which name.
    private mutating func groupName() throws(PatternError) {
        if consume(":") { return }
        guard consume("<"), let next = peek, next.properties.isAlphabetic || next == "_" else {
            throw PatternError(message: "uses a group that is not supported here")
        }
        while let next = peek, next.properties.isAlphabetic || next == "_" || ("0"..."9").contains(next) { index += 1 }
        guard consume(">") else { throw PatternError(message: "has a group whose name is not supported") }
    }

    // MARK: - Classes

    private static let digits = CharacterSet([0x30...0x39])
    private static let word = CharacterSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    private static let space = CharacterSet([0x09...0x0D, 0x20...0x20])
    /// Engines disagree about which characters beyond ASCII are digits, letters and spaces: those are in neither set.
    private static let ascii = CharacterSet([0...0x7F])
    private static let otherSpaces = CharacterSet([
        0x1C...0x1F, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x180E...0x180E, 0x2000...0x200B, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x2060, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])

    private mutating func shorthand() throws(PatternError) -> CharacterSet? {
        let set: CharacterSet
        switch peek {
        case "d": set = PatternParser.digits
        case "D": set = PatternParser.ascii.subtracting(PatternParser.digits)
        case "w": set = PatternParser.word
        case "W": set = PatternParser.ascii.subtracting(PatternParser.word)
        case "s": set = PatternParser.space
        case "S": set = PatternParser.space.union(PatternParser.otherSpaces).complement
        default: return nil
        }
        index += 1
        return set
    }

    private mutating func escapedScalar(inClass: Bool) throws(PatternError) -> Unicode.Scalar {
        guard let scalar = peek else { throw PatternError(message: "ends in a backslash") }
        index += 1
        switch scalar {
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "f": return "\u{C}"
        case "v": return "\u{B}"
        case "b" where inClass: return "\u{8}"
        case "x": return try hexadecimal(2)
        case "u": return try hexadecimal(4)
        case _ where scalar.properties.isAlphabetic || ("0"..."9").contains(scalar):
            throw PatternError(message: "uses '\\\(scalar)', which is not supported")
        default: return scalar
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(PatternError) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek.flatMap({ Character($0).hexDigitValue }) else {
                throw PatternError(message: "has an escape without \(count) hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        guard let scalar = Unicode.Scalar(value) else { throw PatternError(message: "has half of a surrogate pair") }
        return scalar
    }

    private mutating func characterClass() throws(PatternError) -> CharacterSet {
        let isNegated = consume("^")
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = peek, scalar != "]" {
            index += 1
            if scalar == "\\", let shorthand = try shorthand() {
                ranges += shorthand.ranges
                if peek == "-", index + 1 < pattern.count, pattern[index + 1] != "]" {
                    throw PatternError(message: "has a range that begins with a class")
                }
                continue
            }
            let start = scalar == "\\" ? try escapedScalar(inClass: true) : scalar
            guard peek == "-", index + 1 < pattern.count, pattern[index + 1] != "]" else {
                ranges.append(start.value...start.value)
                continue
            }
            index += 1
            var end = pattern[index]
            index += 1
            if end == "\\" {
                if try shorthand() != nil { throw PatternError(message: "has a range that ends with a class") }
                end = try escapedScalar(inClass: true)
            }
            guard start <= end else { throw PatternError(message: "has a range in the wrong order") }
            ranges.append(start.value...end.value)
        }
        guard consume("]"), !ranges.isEmpty else {
            throw PatternError(message: "has a character class that is empty or not closed")
        }
        let set = CharacterSet(ranges)
        return isNegated ? set.complement : set.intersection(.all)
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
