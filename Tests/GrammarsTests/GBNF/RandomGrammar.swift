import ShoalTestSupport

/// Makes GBNF by chance: well-formed, mostly sensible, or damaged.
struct RandomGrammar {
    private var random: SeededRandom
    private var names: [String] = []

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// A grammar of one to six rules, in all of the notation but tokens.
    mutating func text() -> String {
        names = ["root"] + ["a", "word", "x-1", "B2", "list"].prefix(number(0, 5))
        var lines = names.map { "\($0)\(space()) ::=\(space()) \(alternatives(depth: 0))\(comment())" }
        if number(0, 5) == 0 { lines.insert("# \"a comment\" (", at: number(0, lines.count)) }
        lines.shuffle(using: &random)
        return lines.joined(separator: ["\n", "\n\n", "\r\n", "\n  "][number(0, 3)]) + (number(0, 1) == 0 ? "\n" : "")
    }

    /// The text with bytes changed, left out, doubled or exchanged at some places.
    mutating func damaged(_ text: String) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<number(1, 4) where !bytes.isEmpty {
            let place = number(0, bytes.count - 1)
            switch number(0, 5) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(bytes[number(0, bytes.count - 1)], at: place)
            case 2:
                bytes[place] =
                    Array("\"[](){}|*+?.,\\-^<>!:=#\n\r\t 019azAZ_\u{0}".utf8).randomElement(using: &random) ?? 0
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + number(1, 8)))
            case 4:
                let part = bytes[place..<min(bytes.count, place + number(1, 12))]
                bytes.insert(contentsOf: part, at: number(0, bytes.count))
            default:
                let other = Array(
                    [
                        "{0,}", "{2,1}", "{2001}", "\\x00", "[^]", "((", "))", "<[9]>", "!<[1]>", "<x>", "\\uD800",
                        "::=", "[z-a]",
                    ]
                    .randomElement(using: &random)?.utf8 ?? "".utf8)
                bytes.insert(contentsOf: other, at: place)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A text of characters that the grammars use.
    mutating func words() -> String {
        String((0..<number(0, 8)).map { _ in "abcxyz01 -\"\\né語".randomElement(using: &random) ?? "a" })
    }

    // MARK: - Parts

    private mutating func number(_ low: Int, _ high: Int) -> Int { Int.random(in: low...high, using: &random) }

    private mutating func space() -> String { ["", " ", "\t", "  "][number(0, 3)] }

    private mutating func comment() -> String { number(0, 6) == 0 ? " # rest ) of \"line" : "" }

    private mutating func alternatives(depth: Int) -> String {
        (0..<[1, 1, 1, 2, 3][number(0, 4)]).map { _ in sequence(depth: depth) }
            .joined(separator: number(0, 4) == 0 ? " |\n " : " | ")
    }

    private mutating func sequence(depth: Int) -> String {
        guard depth == 0 || number(0, 9) > 0 else { return "" }
        return (0..<[1, 1, 2, 2, 3][number(0, 4)]).map { _ in
            let part = part(depth: depth)
            return part == "\"\"" ? part : part + repetition()
        }.joined(separator: " ")
    }

    private mutating func part(depth: Int) -> String {
        switch number(0, 9) {
        case 0...3: return "\"" + (0..<number(0, 3)).map { _ in character(in: "\"") }.joined() + "\""
        case 4, 5:
            var body = ["[", "[", "[^"][number(0, 2)]
            for _ in 0..<number(1, 3) {
                body += ["a-c", "x-z", "0-9", "\\x61-\\x7a", "é-語", character(in: "]"), "\\u00e9"][number(0, 6)]
            }
            return body + (number(0, 8) == 0 ? "-]" : "]")
        case 6: return "."
        case 7, 8: return names[number(0, names.count - 1)]
        default:
            guard depth < 4 else { return "\"y\"" }
            return "(\(number(0, 3) == 0 ? "\n" : "")\(alternatives(depth: depth + 1)))"
        }
    }

    private mutating func character(in _: String) -> String {
        [
            "a", "b", "c", "x", "y", "z", "0", " ", "\\n", "\\\"", "\\\\", "\\]", "\\x41", "\\u8a9e", "é", "語",
            "\\U0001F600",
        ][
            number(0, 16)]
    }

    private mutating func repetition() -> String {
        switch number(0, 11) {
        case 0: "*"
        case 1: "+"
        case 2: "?"
        case 3: ["{2}", "{0,3}", "{1,}", "{ 1 , 2 }", "{0,1}", "{3,5}", "{2,2}", "{12,}"][number(0, 7)]
        case 4: ["{0,2}?", "?{2}", "{2}{2}", "+?"][number(0, 3)]
        default: ""
        }
    }
}
