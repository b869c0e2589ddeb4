/// The rules of a grammar in GBNF, the notation of llama.cpp.
struct GrammarRules {
    private var names: [String] = []
    private var bodies: [GrammarExpression] = []
    private var indices: [String: Int] = [:]
    /// The last number that was put after a name to make it free.
    private var lastNumbers: [String: Int] = [:]
    /// Bytes of text, repetitions written out as the engine does.
    private var byteCount = 0

    /// The most bytes that a grammar may have with its repetitions written out.
    static let maximumBytes = 512 << 10

    /// Whether the rules have become more than a grammar may have.
    var isTooLarge: Bool { byteCount > GrammarRules.maximumBytes }

    func index(of name: String) -> Int? { indices[name] }

    /// A rule whose body comes later; until then no text fits it.
    mutating func reserve(_ suggestion: String) -> Int {
        return append(freeName(suggestion))
    }

    private mutating func append(_ name: String) -> Int {
        indices[name] = names.count
        names.append(name)
        bodies.append(.never)
        return names.count - 1
    }

    mutating func set(_ index: Int, _ body: GrammarExpression) {
        byteCount += names[index].utf8.count + 6 + body.cost
        bodies[index] = body
    }

    /// A rule with this body under a name that is still free.
    mutating func rule(_ suggestion: String, _ body: GrammarExpression) -> GrammarExpression {
        let index = reserve(suggestion)
        set(index, body)
        return .rule(index)
    }

    /// The expression itself where it is short, or a rule for it, so that text does not grow with every use.
    mutating func short(_ expression: GrammarExpression, _ suggestion: String) -> GrammarExpression {
        expression.isSimple || expression.isEmpty ? expression : rule(suggestion, expression)
    }

    /// A name made of the suggestion that no rule has yet; names consist of letters, digits and hyphens.
    mutating func freeName(_ suggestion: String) -> String {
        var allowed = suggestion.utf8.prefix(32).map { byte in
            GrammarRules.isLetter(byte) || (0x30...0x39).contains(byte) ? byte : UInt8(ascii: "-")
        }
        if !(allowed.first.map(GrammarRules.isLetter) ?? false) { allowed.insert(UInt8(ascii: "r"), at: 0) }
        let base = String(decoding: allowed, as: UTF8.self)
        guard indices[base] != nil || JSONPrimitive.names.contains(base) else { return base }
        var number = lastNumbers[base, default: 0] + 1
        while indices["\(base)-\(number)"] != nil { number += 1 }
        lastNumbers[base] = number
        return "\(base)-\(number)"
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) }

    /// The grammar as text, the rule `root` first.
    var text: String {
        let order = bodies.indices.sorted { (names[$0] == "root" ? 0 : 1, $0) < (names[$1] == "root" ? 0 : 1, $1) }
        var text = ""
        for index in order {
            text += names[index] + " ::= "
            bodies[index].write(to: &text, names: names)
            text += "\n"
        }
        return text
    }

    // MARK: - Rules that no text fits

    /// The most rounds in which rules are looked at again, because others turned out to have text.
    private static let mostRounds = 100

    /// Leaves out every rule and alternative that no finite text fits, and every rule that is not used.
    ///
    /// - Returns: Whether any text fits the rule that was given; `nil` if that takes too long to find out.
    mutating func prune(from root: Int) -> Bool? {
        var isProductive = [Bool](repeating: false, count: bodies.count)
        var rounds = 0
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            rounds += 1
            guard rounds <= GrammarRules.mostRounds else { return nil }
            for step in bodies.indices {
                // Forth and back, because chains of rules run both ways.
                let index = rounds.isMultiple(of: 2) ? step : bodies.count - 1 - step
                guard !isProductive[index], bodies[index].isProductive({ isProductive[$0] }) else { continue }
                isProductive[index] = true
                hasChanged = true
            }
        }
        guard isProductive[root] else { return false }
        for index in bodies.indices {
            bodies[index] = bodies[index].pruned { isProductive[$0] } ?? .never
        }
        keepUsed(from: root)
        return true
    }

    private mutating func keepUsed(from root: Int) {
        var isUsed = [Bool](repeating: false, count: bodies.count)
        isUsed[root] = true
        var open = [root]
        while let index = open.popLast() {
            bodies[index].forEachRule { used in
                guard !isUsed[used] else { return }
                isUsed[used] = true
                open.append(used)
            }
        }
        // Notation names its rules in text, where they cannot be found: those are building blocks that depend on each other.
        for index in bodies.indices where !isUsed[index] {
            if case .notation = bodies[index] { continue }
            indices[names[index]] = nil
        }
        var newIndices: [Int: Int] = [:]
        var (newNames, newBodies): ([String], [GrammarExpression]) = ([], [])
        for index in bodies.indices where indices[names[index]] == index {
            newIndices[index] = newNames.count
            indices[names[index]] = newNames.count
            newNames.append(names[index])
            newBodies.append(bodies[index])
        }
        names = newNames
        bodies = newBodies.map { $0.mapRules { newIndices[$0] ?? $0 } }
    }

    // MARK: - Repetitions

    /// The longest repetition that llama.cpp takes as one, with room to spare.
    private static let longestRepetition = 1000

    /// `item` from `minimum` to `maximum` times (any number of times from there on where `nil`).
    ///
    /// Long repetitions are made of blocks, because the engine writes out every repetition.
    mutating func repeated(
        _ item: GrammarExpression, _ minimum: Int, _ maximum: Int?, name: String = "item"
    ) -> GrammarExpression {
        if maximum == 0 || item.isEmpty { return .empty }
        if minimum == 1, maximum == 1 { return item }
        let item = short(item, name)
        let block = 250
        if maximum ?? minimum <= GrammarRules.longestRepetition {
            return .repeated(item, minimum: minimum, maximum: maximum)
        }
        let whole = rule("\(name)-block", .repeated(item, minimum: block, maximum: block))
        var parts: [GrammarExpression] = []
        if minimum >= block { parts.append(repeated(whole, minimum / block, minimum / block, name: name)) }
        let rest = minimum % block
        guard let maximum else { return .sequence(parts + [repeated(item, rest, nil, name: name)]) }
        let optional = maximum - minimum
        guard optional > GrammarRules.longestRepetition else {
            return .sequence(parts + [repeated(item, rest, rest + optional, name: name)])
        }
        parts.append(repeated(item, rest, rest, name: name))
        parts.append(repeated(whole, 0, optional / block - 1, name: name))
        parts.append(repeated(item, 0, block + optional % block, name: name))
        return .sequence(parts)
    }
}

// MARK: - Notation

extension GrammarRules {
    func contains(_ name: String) -> Bool { indices[name] != nil }

    /// Adds a rule or replaces its body, and returns its name.
    @discardableResult
    mutating func set(_ name: String, _ body: String) -> String {
        set(indices[name] ?? append(name), .notation(body))
        return name
    }

    /// A rule with this body under a name that is still free.
    mutating func add(_ suggestion: String, _ body: String) -> String { set(freeName(suggestion), body) }

    /// A rule with this body, by its name.
    mutating func add(_ suggestion: String, _ body: GrammarExpression) -> String {
        let index = reserve(suggestion)
        set(index, body)
        return names[index]
    }

    /// The text as a literal.
    static func literal(_ text: String) -> String {
        var result = "\""
        let isPlain = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain { return result + text + "\"" }
        for scalar in text.unicodeScalars { result += escaped(scalar, special: "\"\\") }
        return result + "\""
    }

    /// The characters as a class; ranges are given by their ends.
    static func characterClass(_ ranges: [ClosedRange<Unicode.Scalar>], isNegated: Bool = false) -> String {
        var result = isNegated ? "[^" : "["
        for range in ranges {
            result += escaped(range.lowerBound, special: "\\]^-")
            if range.lowerBound < range.upperBound { result += "-" + escaped(range.upperBound, special: "\\]^-") }
        }
        return result + "]"
    }

    private static func escaped(_ scalar: Unicode.Scalar, special: String) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\"", "\\", "]", "[":
            return special.unicodeScalars.contains(scalar) || scalar == "\\" ? "\\\(scalar)" : String(scalar)
        case _ where special.unicodeScalars.contains(scalar) || scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            return "\\x" + (digits.count == 1 ? "0" : "") + digits
        default: return String(scalar)
        }
    }
}

extension GrammarExpression {
    /// Whether finite text fits the expression.
    fileprivate func isProductive(_ isProductive: (Int) -> Bool) -> Bool {
        switch self {
        case .literal, .notation: true
        case .characters(let set): !set.isEmpty
        case .rule(let index): isProductive(index)
        case .sequence(let parts): parts.allSatisfy { $0.isProductive(isProductive) }
        case .alternatives(let options): options.contains { $0.isProductive(isProductive) }
        case .repeated(let item, let minimum, _): minimum == 0 || item.isProductive(isProductive)
        }
    }

    fileprivate func forEachRule(_ body: (Int) -> Void) {
        switch self {
        case .literal, .notation, .characters: break
        case .rule(let index): body(index)
        case .sequence(let parts): for part in parts { part.forEachRule(body) }
        case .alternatives(let options): for option in options { option.forEachRule(body) }
        case .repeated(let item, _, _): item.forEachRule(body)
        }
    }

    fileprivate func mapRules(_ transform: (Int) -> Int) -> GrammarExpression {
        switch self {
        case .literal, .notation, .characters: self
        case .rule(let index): .rule(transform(index))
        case .sequence(let parts): .sequence(parts.map { $0.mapRules(transform) })
        case .alternatives(let options): .alternatives(options.map { $0.mapRules(transform) })
        case .repeated(let item, let minimum, let maximum):
            .repeated(item.mapRules(transform), minimum: minimum, maximum: maximum)
        }
    }
}
