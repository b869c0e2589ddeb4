/// What stands on the right of a grammar rule, before it is written in GBNF.
indirect enum GrammarExpression {
    /// Text that is written as it stands here; never empty.
    case literal(String)
    case characters(CharacterSet)
    /// A rule by its place in ``GrammarRules``.
    case rule(Int)
    /// One after the other; nothing at all where there are none.
    case sequence([GrammarExpression])
    /// One of them; no text fits where there are none.
    case alternatives([GrammarExpression])
    /// A short expression, from `minimum` to `maximum` times.
    case repeated(GrammarExpression, minimum: Int, maximum: Int?)
    /// Notation that is put in as it is, which finite text can always fit.
    case notation(String)

    static var empty: GrammarExpression { .sequence([]) }
    static var never: GrammarExpression { .alternatives([]) }

    static func optional(_ expression: GrammarExpression) -> GrammarExpression {
        .repeated(expression, minimum: 0, maximum: 1)
    }

    static func oneOf(_ expressions: [GrammarExpression]) -> GrammarExpression {
        expressions.count == 1 ? expressions[0] : .alternatives(expressions)
    }

    var isEmpty: Bool {
        if case .sequence(let parts) = self { return parts.allSatisfy(\.isEmpty) }
        return false
    }

    /// Whether the expression is so short and simple that it may be written wherever it is used.
    var isSimple: Bool {
        switch self {
        case .rule: true
        case .literal(let text): text.utf8.count <= 16
        case .characters(let set): set.ranges.count <= 8
        default: false
        }
    }

    /// The expression without what no text can fit; `nil` if nothing is left.
    ///
    /// - Parameter isProductive: Whether finite text fits a rule.
    func pruned(_ isProductive: (Int) -> Bool) -> GrammarExpression? {
        switch self {
        case .literal, .notation: return self
        case .characters(let set): return set.ranges.isEmpty ? nil : self
        case .rule(let index): return isProductive(index) ? self : nil
        case .sequence(let parts):
            var kept: [GrammarExpression] = []
            kept.reserveCapacity(parts.count)
            for part in parts {
                guard let part = part.pruned(isProductive) else { return nil }
                kept.append(part)
            }
            return .sequence(kept)
        case .alternatives(let options):
            let kept = options.compactMap { $0.pruned(isProductive) }
            return kept.isEmpty ? nil : .oneOf(kept)
        case .repeated(let item, let minimum, let maximum):
            guard let item = item.pruned(isProductive) else { return minimum == 0 ? .empty : nil }
            return .repeated(item, minimum: minimum, maximum: maximum)
        }
    }

    /// The bytes and parts that the expression takes in a grammar, repetitions written out as the engine does.
    var cost: Int {
        switch self {
        case .literal(let text): 2 + text.utf8.count
        case .characters(let set): 4 + 8 * set.ranges.count
        case .rule: 12
        case .sequence(let parts): parts.reduce(2) { $0 + $1.cost }
        case .alternatives(let options): options.reduce(2) { $0 + 3 + $1.cost }
        case .repeated(let item, let minimum, let maximum): item.cost + 8 * max(1, maximum ?? minimum)
        case .notation(let text): text.utf8.count
        }
    }

    // MARK: - Notation

    private enum Place { case alternatives, sequence, item }

    /// Appends the expression in GBNF.
    func write(to text: inout String, names: [String]) { write(to: &text, names: names, in: .alternatives) }

    private func write(to text: inout String, names: [String], in place: Place) {
        switch self {
        case .literal(let literal): text += GrammarRules.literal(literal)
        case .characters(let set): set.write(to: &text)
        case .rule(let index): text += names[index]
        case .sequence(let parts):
            let parts = parts.filter { !$0.isEmpty }
            if parts.count == 1 { return parts[0].write(to: &text, names: names, in: place) }
            // After a bare '|' at the end of a line the engine reads on in the next rule.
            if parts.isEmpty {
                text += "\"\""
                return
            }
            if place == .item { text += "(" }
            for (index, part) in parts.enumerated() {
                if index > 0 { text += " " }
                part.write(to: &text, names: names, in: .sequence)
            }
            if place == .item { text += ")" }
        case .alternatives(let options):
            if options.count == 1 { return options[0].write(to: &text, names: names, in: place) }
            if place != .alternatives { text += "(" }
            for (index, option) in options.enumerated() {
                if index > 0 { text += " | " }
                option.write(to: &text, names: names, in: .alternatives)
            }
            if place != .alternatives { text += ")" }
        case .repeated(let item, let minimum, let maximum):
            if maximum == 0 || item.isEmpty {
                text += "\"\""
                return
            }
            // A repetition of a repetition needs brackets.
            if place == .item { text += "(" }
            defer { if place == .item { text += ")" } }
            item.write(to: &text, names: names, in: .item)
            switch (minimum, maximum) {
            case (1, 1): break
            case (0, nil): text += "*"
            case (1, nil): text += "+"
            case (0, 1): text += "?"
            case (_, nil): text += "{\(minimum),}"
            case (_, let maximum?): text += minimum == maximum ? "{\(minimum)}" : "{\(minimum),\(maximum)}"
            }
        case .notation(let notation): text += place == .alternatives ? notation : "(\(notation))"
        }
    }
}
