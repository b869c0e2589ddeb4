/// What is looked at in a grammar's text before libllama reads it, which follows brackets and rules by recursion and repeats
/// without end what is to be repeated from two times to once.
enum GrammarBounds {
    static let maximumBytes = 4 << 20
    static let maximumDepth = 2000
    static let maximumRules = 200_000

    /// - Throws: ``EngineError`` with code `badGrammar` that says what is too much, and where.
    static func check(_ text: String) throws(EngineError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= maximumBytes else {
            throw refusal("it has \(bytes.count) bytes, at most \(maximumBytes) are read")
        }
        var scanner = GrammarScanner(bytes: bytes)
        try scanner.scan()
    }

    fileprivate static func refusal(_ why: String) -> EngineError {
        EngineError(.badGrammar, "the grammar cannot be used: \(why)")
    }
}

/// Goes through GBNF once, as far as needed to tell what is inside of texts and what is not.
private struct GrammarScanner {
    let bytes: [UInt8]
    private var index = 0
    private var depth = 0
    private var rules = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func scan() throws(EngineError) {
        if let zero = bytes.firstIndex(of: 0) { throw GrammarBounds.refusal("there is a zero byte at \(zero)") }
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): skip(to: UInt8(ascii: "\""), escapes: true)
            case UInt8(ascii: "["): skip(to: UInt8(ascii: "]"), escapes: true)
            case UInt8(ascii: "<"): skip(to: UInt8(ascii: ">"), escapes: false)
            case UInt8(ascii: "#"): skip(to: UInt8(ascii: "\n"), escapes: false)
            case UInt8(ascii: "("):
                depth += 1
                guard depth <= GrammarBounds.maximumDepth else {
                    throw GrammarBounds.refusal(
                        "brackets stand in each other more than \(GrammarBounds.maximumDepth) deep, at byte \(index - 1)"
                    )
                }
            case UInt8(ascii: ")"): depth = max(0, depth - 1)
            case UInt8(ascii: "{"): try repetition()
            case UInt8(ascii: "="):
                rules += 1
                guard rules <= GrammarBounds.maximumRules else {
                    throw GrammarBounds.refusal("it has more than \(GrammarBounds.maximumRules) rules")
                }
            default: break
            }
        }
    }

    private mutating func skip(to end: UInt8, escapes: Bool) {
        while let byte = next {
            index += 1
            if byte == end { return }
            if escapes, byte == UInt8(ascii: "\\") { index += 1 }
        }
    }

    private mutating func skipSpace() {
        while let byte = next {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): index += 1
            case UInt8(ascii: "#"): skip(to: UInt8(ascii: "\n"), escapes: false)
            default: return
            }
        }
    }

    /// `nil` where there is none; what is larger than any limit is that limit.
    private mutating func number() -> Int? {
        var value: Int?
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            value = min((value ?? 0) * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
            index += 1
        }
        return value
    }

    private mutating func repetition() throws(EngineError) {
        let place = index - 1
        skipSpace()
        guard let least = number() else { return }
        skipSpace()
        guard next == UInt8(ascii: ",") else { return }
        index += 1
        skipSpace()
        guard let most = number() else { return }
        guard least <= most else {
            throw GrammarBounds.refusal("at byte \(place) something is repeated from \(least) to \(most) times")
        }
    }
}
