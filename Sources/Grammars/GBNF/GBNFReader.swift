/// Reads a grammar as llama.cpp does (`llama-grammar.cpp`), and refuses what that refuses, hangs on or takes for something else.
///
/// Differences, all on the side of caution: a rule that is defined twice (the engine forgets the first), an empty class (it is the
/// empty text to the engine), an upper limit of repetitions beyond 2000 (the engine takes it for none), and a range from high to low
/// are refused.
final class GBNFReader {
    let limits: GrammarLimits
    let tokenCount: Int?
    /// The text with a NUL behind it.
    let bytes: [UInt8]
    var position = 0
    /// Elements that the engine would keep for what was read so far.
    var elementCount = 0

    /// The engine numbers names as they appear, and the rules it makes along with them.
    var names: [String: Int] = [:]
    var bodies: [[GBNFItem]] = []
    /// Where a rule is defined, or -1.
    var offsets: [Int32] = []
    /// Where a name first appears.
    var uses: [Int32] = []
    var isInner: [Bool] = []

    var characters: [GBNFCharacters] = [.any]
    private var literals: [UInt32: Int32] = [:]

    init(_ text: String, tokenCount: Int?, limits: GrammarLimits) throws(GrammarError) {
        guard text.utf8.count <= limits.sizeBytes else {
            throw GrammarError(
                code: .tooLarge, line: 1, column: 1,
                message: "the grammar has \(text.utf8.count) bytes, \(limits.sizeBytes) are allowed")
        }
        bytes = Array(text.utf8) + [0]
        self.limits = limits
        self.tokenCount = tokenCount
        if let nul = bytes.firstIndex(of: 0), nul < bytes.count - 1 {
            throw failure(.emptyCharacter, at: nul, "a NUL character, where the engine would stop reading")
        }
    }

    /// Reads the whole text.
    func rules() throws(GrammarError) -> GBNFRules {
        skipSpace(newlines: true)
        while byte != 0 { try rule() }
        guard let root = names["root"], offsets[root] >= 0 else {
            throw failure(.noRoot, at: names["root"].map { Int(uses[$0]) } ?? 0, "there is no rule named root")
        }
        if let unknown = offsets.indices.filter({ offsets[$0] < 0 }).min(by: { uses[$0] < uses[$1] }) {
            let name = names.first { $0.value == unknown }?.key ?? ""
            throw failure(.unknownRule, at: Int(uses[unknown]), "there is no rule named \(name)")
        }
        return GBNFRules(bodies: bodies, offsets: offsets, isInner: isInner, characters: characters, root: root)
    }

    // MARK: - Rules

    private func rule() throws(GrammarError) {
        let start = position
        let name = try name()
        let number = try number(of: name, at: start)
        skipSpace(newlines: false)
        guard byte == UInt8(ascii: ":"), next(1) == UInt8(ascii: ":"), next(2) == UInt8(ascii: "=") else {
            throw failure(.syntax, at: position, "expected ::= after the name of a rule")
        }
        guard offsets[number] < 0 else {
            throw failure(.syntax, at: start, "the rule \(name) is defined twice")
        }
        offsets[number] = Int32(start)
        position += 3
        skipSpace(newlines: true)
        try body(of: number, depth: 0)
        switch byte {
        case UInt8(ascii: "\r"): position += next(1) == UInt8(ascii: "\n") ? 2 : 1
        case UInt8(ascii: "\n"): position += 1
        case 0: break
        default: throw failure(.syntax, at: position, "expected the end of the line or of the grammar")
        }
        skipSpace(newlines: true)
    }

    /// Reads alternatives up to where they end, as the body of this rule.
    func body(of rule: Int, depth: Int) throws(GrammarError) {
        var items: [GBNFItem] = []
        try sequence(into: &items, depth: depth)
        while byte == UInt8(ascii: "|") {
            try append(.alternative, 0, at: position, to: &items)
            position += 1
            skipSpace(newlines: true)
            try sequence(into: &items, depth: depth)
        }
        try append(.end, 0, at: position, to: &items)
        bodies[rule] = items
    }

    func append(
        _ kind: GBNFItem.Kind, _ value: Int32, at offset: Int, to items: inout [GBNFItem]
    ) throws(GrammarError) {
        try charge(kind == .character ? characters[Int(value)].elementCount : 1, at: offset)
        items.append(GBNFItem(kind: kind, value: value, offset: Int32(offset)))
    }

    /// Counts elements that the engine will keep.
    func charge(_ count: Int, at offset: Int) throws(GrammarError) {
        elementCount += count
        guard elementCount <= limits.elements else {
            throw failure(
                .tooLarge, at: offset,
                "up to here the grammar has more than \(limits.elements) elements, its repetitions written out")
        }
    }

    /// The number of the rule with this name, given out if it is new.
    func number(of name: String, at offset: Int) throws(GrammarError) -> Int {
        if let number = names[name] { return number }
        names[name] = bodies.count
        return try newRule(definedAt: -1, usedAt: offset, isInner: false)
    }

    /// A number for a rule that has no name in the text.
    func newRule(definedAt definition: Int, usedAt use: Int, isInner inner: Bool) throws(GrammarError) -> Int {
        guard bodies.count < limits.rules else {
            throw failure(
                .tooLarge, at: use,
                "up to here the grammar has more than \(limits.rules) rules, its groups and repetitions counted")
        }
        bodies.append([])
        offsets.append(Int32(definition))
        uses.append(Int32(use))
        isInner.append(inner)
        return bodies.count - 1
    }

    /// The number of the class that has just this character.
    func literal(_ scalar: UInt32, at offset: Int) throws(GrammarError) -> Int32 {
        if let number = literals[scalar] { return number }
        let only = GBNFCharacters([scalar...scalar], elementCount: 1)
        guard !only.isEmpty else {
            let digits = String(scalar, radix: 16, uppercase: true)
            throw failure(
                .emptyCharacter, at: offset,
                "no text has a character U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)")
        }
        characters.append(only)
        literals[scalar] = Int32(characters.count - 1)
        return Int32(characters.count - 1)
    }

    // MARK: - Bytes

    /// The byte to read next; 0 at the end.
    var byte: UInt8 { bytes[position] }

    /// The byte so many behind the next one; 0 past the end.
    func next(_ distance: Int) -> UInt8 { position + distance < bytes.count ? bytes[position + distance] : 0 }

    /// Passes spaces, tabs and comments; ends of lines only where they are allowed.
    func skipSpace(newlines: Bool) {
        while true {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): position += 1
            case UInt8(ascii: "#"):
                while byte != 0, byte != UInt8(ascii: "\r"), byte != UInt8(ascii: "\n") { position += 1 }
            case UInt8(ascii: "\r") where newlines, UInt8(ascii: "\n") where newlines: position += 1
            default: return
            }
        }
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"): true
        default: isDigit(byte)
        }
    }

    func name() throws(GrammarError) -> String {
        let start = position
        while GBNFReader.isInName(byte) { position += 1 }
        guard position > start else {
            throw failure(.syntax, at: start, "expected the name of a rule: letters, digits and hyphens")
        }
        guard position - start <= limits.nameBytes else {
            throw failure(
                .tooLarge, at: start,
                "a name of \(position - start) letters, \(limits.nameBytes) are allowed")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// An error with the place of a byte.
    func failure(_ code: GrammarError.Code, at offset: Int, _ message: String) -> GrammarError {
        GrammarError(code: code, offset: offset, in: bytes, message: message)
    }
}

extension GrammarError {
    /// An error at a byte of a text; `\n`, `\r` and `\r\n` end a line.
    init(code: Code, offset: Int, in bytes: [UInt8], message: String) {
        var line = 1
        var column = 1
        for index in 0..<min(offset, bytes.count) {
            switch bytes[index] {
            case UInt8(ascii: "\n") where index > 0 && bytes[index - 1] == UInt8(ascii: "\r"): break
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                line += 1
                column = 1
            case 0x80...0xBF: break
            default: column += 1
            }
        }
        self.init(code: code, line: line, column: column, message: message)
    }
}
