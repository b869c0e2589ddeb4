extension GBNFReader {
    /// What a repetition that comes next would repeat.
    private struct Last {
        /// Where it begins among the items; at their end if there is nothing.
        var start: Int
        /// Rules that the engine counts for it: each repetition multiplies them.
        var rules = 1
    }

    /// Reads one alternative up to a `|`, a `)` or the end of a rule.
    func sequence(into items: inout [GBNFItem], depth: Int) throws(GrammarError) {
        var last = Last(start: items.count)
        let isNested = depth > 0
        while byte != 0 {
            let start = position
            switch byte {
            case UInt8(ascii: "\""):
                last = Last(start: items.count)
                try literal(into: &items)
            case UInt8(ascii: "["):
                last = Last(start: items.count)
                try characterClass(into: &items)
            case UInt8(ascii: "<"), UInt8(ascii: "!"):
                last = Last(start: items.count)
                try token(into: &items)
            case UInt8(ascii: "."):
                last = Last(start: items.count)
                position += 1
                try append(.character, 0, at: start, to: &items)
            case UInt8(ascii: "("):
                let before = bodies.count
                let rule = try group(depth: depth)
                last = Last(start: items.count, rules: max(1, bodies.count - before))
                try append(.rule, Int32(rule), at: start, to: &items)
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
                position += 1
                try repeated(start, &last, byte: bytes[start], in: &items)
            case UInt8(ascii: "{"):
                let (minimum, maximum) = try bounds(newlines: isNested)
                try repeated(start, &last, minimum, maximum, in: &items)
            case _ where GBNFReader.isInName(byte):
                last = Last(start: items.count)
                let name = try name()
                let number = try number(of: name, at: start)
                try append(.rule, Int32(number), at: start, to: &items)
            default: return
            }
            skipSpace(newlines: isNested)
        }
    }

    private func group(depth: Int) throws(GrammarError) -> Int {
        let start = position
        guard depth < limits.nestingDepth else {
            throw failure(.tooDeep, at: start, "groups are nested deeper than \(limits.nestingDepth)")
        }
        let rule = try newRule(definedAt: start, usedAt: start, isInner: false)
        position += 1
        skipSpace(newlines: true)
        try body(of: rule, depth: depth + 1)
        guard byte == UInt8(ascii: ")") else {
            throw byte == 0
                ? failure(.syntax, at: start, "this group has no end")
                : failure(.syntax, at: position, "expected ) or another part of the group")
        }
        position += 1
        return rule
    }

    // MARK: - Repetitions

    private func repeated(
        _ start: Int, _ last: inout Last, byte: UInt8, in items: inout [GBNFItem]
    ) throws(GrammarError) {
        switch byte {
        case UInt8(ascii: "*"): try repeated(start, &last, 0, nil, in: &items)
        case UInt8(ascii: "+"): try repeated(start, &last, 1, nil, in: &items)
        default: try repeated(start, &last, 0, 1, in: &items)
        }
    }

    /// Reads `{m}`, `{m,}` or `{m,n}`.
    private func bounds(newlines: Bool) throws(GrammarError) -> (Int, Int?) {
        let start = position
        position += 1
        skipSpace(newlines: newlines)
        let minimum = try repetition(at: start)
        skipSpace(newlines: newlines)
        var maximum: Int? = minimum
        if byte == UInt8(ascii: ",") {
            position += 1
            skipSpace(newlines: newlines)
            maximum = nil
            if GBNFReader.isDigit(byte) {
                maximum = try repetition(at: start)
                skipSpace(newlines: newlines)
            }
        }
        guard byte == UInt8(ascii: "}") else {
            throw failure(.syntax, at: position, "expected } after the numbers of a repetition")
        }
        position += 1
        if let maximum, maximum < minimum {
            throw failure(.syntax, at: start, "a repetition of at least \(minimum) and at most \(maximum)")
        }
        return (minimum, maximum)
    }

    private func repetition(at start: Int) throws(GrammarError) -> Int {
        guard GBNFReader.isDigit(byte) else {
            throw failure(.syntax, at: position, "expected a number of repetitions")
        }
        var value = 0
        while GBNFReader.isDigit(byte) {
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), limits.repetition + 1)
            position += 1
        }
        guard value <= limits.repetition else {
            throw failure(.tooLarge, at: start, "more than \(limits.repetition) repetitions")
        }
        return value
    }

    /// Writes out a repetition of the last part:
    ///
    ///     S{m,n}: S … S (m times) R(n-m);  R(k) ::= S R(k-1) | ;  R(1) ::= S |
    ///     S{m,}:  S … S (m times) R;       R ::= S R |
    private func repeated(
        _ start: Int, _ last: inout Last, _ minimum: Int, _ maximum: Int?, in items: inout [GBNFItem]
    ) throws(GrammarError) {
        guard last.start < items.count else {
            throw failure(.syntax, at: start, "nothing stands before this repetition")
        }
        let factor: Int
        if let maximum, maximum > 0 { factor = maximum } else { factor = max(1, minimum) }
        guard last.rules * factor <= limits.repetition else {
            throw failure(
                .tooLarge, at: start,
                "with those inside it, more than \(limits.repetition) repetitions")
        }
        let repeated = Array(items[last.start...])
        let weight = repeated.reduce(0) { $0 + ($1.kind == .character ? characters[Int($1.value)].elementCount : 1) }
        let optional = maximum.map { $0 - minimum } ?? 1
        try charge(weight * max(0, minimum - 1) + optional * (weight + 3), at: start)
        if minimum == 0 {
            items.removeSubrange(last.start...)
        } else {
            for _ in 1..<max(1, minimum) { items.append(contentsOf: repeated) }
        }
        var rest = 0
        for index in 0..<optional {
            let rule = try newRule(definedAt: start, usedAt: start, isInner: index < optional - 1)
            var body = repeated
            if maximum == nil || index > 0 {
                body.append(GBNFItem(kind: .rule, value: Int32(maximum == nil ? rule : rest), offset: Int32(start)))
            }
            body.append(GBNFItem(kind: .alternative, value: 0, offset: Int32(start)))
            body.append(GBNFItem(kind: .end, value: 0, offset: Int32(start)))
            bodies[rule] = body
            rest = rule
        }
        if optional > 0 { try append(.rule, Int32(rest), at: start, to: &items) }
        last.rules *= factor
    }
}
