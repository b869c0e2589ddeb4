/// The rules of a grammar in GBNF, the notation of llama.cpp.
///
/// Bodies are made of literals, character classes, names of other rules and the operators `|`, `( )`, `*`, `+`, `?` and `{m,n}`.
struct GrammarRules {
    private var bodies: [(name: String, body: String)] = []
    private var indices: [String: Int] = [:]
    /// The last number that was put after a name to make it free.
    private var lastNumbers: [String: Int] = [:]
    /// Bytes of text, repetitions written out as the engine does.
    private var byteCount = 0

    /// The most bytes that a grammar may have with its repetitions written out.
    static let maximumBytes = 512 << 10

    /// Whether the rules have become more than a grammar may have.
    var isTooLarge: Bool { byteCount > GrammarRules.maximumBytes }

    func contains(_ name: String) -> Bool { indices[name] != nil }

    /// Adds a rule or replaces its body, and returns its name.
    @discardableResult
    mutating func set(_ name: String, _ body: String) -> String {
        byteCount += name.utf8.count + body.utf8.count
        if let index = indices[name] {
            bodies[index].body = body
        } else {
            indices[name] = bodies.count
            bodies.append((name, body))
        }
        return name
    }

    /// A rule with this body under a name that is still free.
    mutating func add(_ suggestion: String, _ body: String) -> String {
        set(freeName(suggestion), body)
    }

    /// A name made of the suggestion that no rule has yet; names consist of letters, digits and hyphens.
    mutating func freeName(_ suggestion: String) -> String {
        let allowed = suggestion.unicodeScalars.prefix(40).map { scalar in
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                ? Character(scalar) : "-"
        }
        let base = allowed.first.map(\.isLetter) == true ? String(allowed) : "r" + String(allowed)
        guard indices[base] != nil else { return base }
        var number = lastNumbers[base, default: 0] + 1
        while indices["\(base)-\(number)"] != nil { number += 1 }
        lastNumbers[base] = number
        return "\(base)-\(number)"
    }

    /// The grammar as text, the rule `root` first.
    var text: String {
        let root = bodies.filter { $0.name == "root" }
        return (root + bodies.filter { $0.name != "root" }).map { "\($0.name) ::= \($0.body)\n" }
            .joined()
    }

    // MARK: - Notation

    /// The text as a literal.
    static func literal(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars { result += escaped(scalar, special: "\"\\") }
        return result + "\""
    }

    /// The characters as a class; ranges are given by their ends.
    static func characterClass(_ ranges: [ClosedRange<Unicode.Scalar>], isNegated: Bool = false)
        -> String
    {
        var result = isNegated ? "[^" : "["
        for range in ranges {
            result += escaped(range.lowerBound, special: "\\]^-")
            if range.lowerBound < range.upperBound {
                result += "-" + escaped(range.upperBound, special: "\\]^-")
            }
        }
        return result + "]"
    }

    private static func escaped(_ scalar: Unicode.Scalar, special: String) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\"", "\\", "]", "[":
            return special.unicodeScalars.contains(scalar) || scalar == "\\"
                ? "\\\(scalar)" : String(scalar)
        case _
        where special.unicodeScalars.contains(scalar) || scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            return "\\x" + (digits.count == 1 ? "0" : "") + digits
        default: return String(scalar)
        }
    }

    /// An expression that a repetition may follow: in parentheses where it is more than one part.
    static func group(_ body: String) -> String { isOnePart(body) ? body : "(\(body))" }

    private static func isOnePart(_ body: String) -> Bool {
        if body.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) { return true }
        guard body.hasPrefix("["), body.hasSuffix("]") else { return false }
        return !body.dropFirst().dropLast().contains { $0 == "]" || $0 == "[" || $0 == " " }
    }

    static func alternatives(_ bodies: [String]) -> String {
        bodies.count == 1 ? bodies[0] : "(" + bodies.joined(separator: " | ") + ")"
    }

    /// The longest repetition that llama.cpp takes as one, with room to spare.
    private static let longestRepetition = 1000

    /// `item` from `minimum` to `maximum` times (any number of times from there on where `nil`).
    ///
    /// Long repetitions are made of blocks, because the engine writes out every repetition.
    mutating func repeated(_ item: String, _ minimum: Int, _ maximum: Int?) -> String {
        let item = GrammarRules.group(item)
        let block = 250
        byteCount += 8 * min(maximum ?? minimum, GrammarRules.longestRepetition)
        switch (minimum, maximum) {
        case (0, nil): return item + "*"
        case (1, nil): return item + "+"
        case (0, 0): return "\"\""
        case (0, 1): return item + "?"
        case (_, nil) where minimum <= GrammarRules.longestRepetition: return "\(item){\(minimum),}"
        case (_, let maximum?) where maximum <= GrammarRules.longestRepetition:
            return minimum == maximum ? "\(item){\(minimum)}" : "\(item){\(minimum),\(maximum)}"
        default: break
        }
        let blockName = add("block", "\(item){\(block)}")
        let wholeBlocks = minimum / block
        let start = wholeBlocks > 0 ? repeated(blockName, wholeBlocks, wholeBlocks) + " " : ""
        let rest = minimum % block
        guard let maximum else { return start + repeated(item, rest, nil) }
        let optional = maximum - minimum
        guard optional > GrammarRules.longestRepetition else {
            return start + repeated(item, rest, rest + optional)
        }
        return start + (rest > 0 ? repeated(item, rest, rest) + " " : "")
            + repeated(blockName, 0, optional / block - 1) + " "
            + repeated(item, 0, block + optional % block)
    }
}
