import JSON
import OrderedCollections

extension JSONSchemaConverter {
    mutating func string(_ facts: SchemaFacts, name: String) throws(JSONSchemaError) -> GrammarExpression {
        let minimum = try count("minLength", facts, isMinimum: true) ?? 0
        var maximum = try count("maxLength", facts, isMinimum: false)
        if let maximum, maximum < minimum {
            return impossibility("maxLength", at: facts["maxLength"][0].place, "is below minLength")
        }
        var sources: OrderedSet<PatternSource> = []
        for assertion in facts["pattern"] {
            guard let text = document[assertion.value].string else {
                throw failure(.invalid, "pattern", at: assertion.place, "must be a string")
            }
            sources.append(PatternSource(keyword: "pattern", text: text, place: assertion.place))
        }
        for assertion in facts["format"] {
            let format = document[assertion.value].string ?? ""
            guard var text = SchemaFormat.pattern(format) else { continue }
            if let limit = maximum, facts["pattern"].isEmpty, let shorter = SchemaFormat.pattern(format, atMost: limit)
            {
                (text, maximum) = shorter
                if let least = facts["minLength"].first, minimum > shorter.maximum {
                    throw failure(
                        .unsupported, "minLength", at: least.place,
                        "is supported up to \(shorter.maximum) beside this format")
                }
            }
            sources.append(PatternSource(keyword: "format", text: text, place: assertion.place))
        }
        if !sources.isEmpty {
            let place = (facts["maxLength"].first ?? facts["minLength"].first)?.place ?? facts.place
            let keyword = facts["maxLength"].isEmpty ? "minLength" : "maxLength"
            let made = try string(
                Array(sources), minimum, maximum, name: name,
                limits: PatternSource(keyword: keyword, text: "", place: place))
            guard let made else {
                return impossibility(sources[0].keyword, at: sources[0].place, "leaves no string")
            }
            return made
        }
        guard minimum > 0 || maximum != nil else { return JSONPrimitive.string.rule(in: &rules) }
        let character = JSONPrimitive.character.rule(in: &rules)
        let quote = GrammarExpression.literal("\"")
        return .sequence([quote, rules.repeated(character, minimum, maximum, name: "char"), quote])
    }

    /// Strings that match one pattern.
    mutating func string(_ sources: [PatternSource], name: String) throws(JSONSchemaError) -> GrammarExpression {
        try string(sources, 0, nil, name: name, limits: sources[0]) ?? .never
    }

    /// Strings that match all patterns and have so many characters; `nil` if there are none.
    private mutating func string(
        _ sources: [PatternSource], _ minimum: Int, _ maximum: Int?, name: String, limits: PatternSource
    ) throws(JSONSchemaError) -> GrammarExpression? {
        let quote = GrammarExpression.literal("\"")
        var read: [Pattern] = []
        for source in sources { read.append(try pattern(source)) }
        let lengths = read.map(\.whole.lengths)
        let shortest = lengths.map(\.minimum).max() ?? 0
        let longest = lengths.compactMap(\.maximum).min()
        // Limits that the patterns keep anyway.
        let isLimited = minimum > shortest || maximum.map { longest == nil || $0 < longest ?? 0 } ?? false
        if read.count == 1, !isLimited, !read[0].hasLookaheads {
            if let known = patternRules[sources[0]] { return known }
            let body = try expression(of: read[0], sources[0], name: sources[0].keyword)
            let made = rules.short(.sequence([quote, body, quote]), sources[0].keyword)
            patternRules[sources[0]] = made
            return made
        }
        var whole: PatternAutomaton?
        for source in sources {
            let automaton = try automaton(source)
            let joined = whole.map { $0.intersection(automaton) } ?? automaton
            guard let joined else { throw combination(source, others: sources, limits) }
            try spend(joined.edges.count, at: source.place)
            whole = joined
        }
        guard var whole else { return nil }
        if isLimited {
            if maximum.map({ $0 < shortest }) ?? false { return nil }
            guard let limited = whole.limited(minimum, maximum) else {
                throw combination(limits, others: sources, limits)
            }
            whole = limited
        }
        try spend(whole.edges.count, at: limits.place)
        guard !whole.isNever else { return nil }
        let body = whole.expression(in: &rules, name: name)
        try checkSize(at: limits.place)
        return .sequence([quote, body, quote])
    }

    private func combination(
        _ source: PatternSource, others: [PatternSource], _ limits: PatternSource
    ) -> JSONSchemaError {
        let others =
            others.filter { $0 != source }.map(\.keyword) + (limits.keyword == source.keyword ? [] : [limits.keyword])
        return failure(
            .unsupported, source.keyword, at: source.place,
            "is too large together with '\(others.first ?? source.keyword)': leave one out, or ask for less")
    }

    // MARK: - Patterns

    mutating func pattern(_ source: PatternSource) throws(JSONSchemaError) -> Pattern {
        if let known = patterns[source] { return known }
        // Characters of an expression take more than those that are only compared.
        try spend(source.text.utf8.count / 4 + 1, at: source.place)
        do throws(PatternError) {
            var parser = PatternParser(source.text)
            let pattern = try parser.read()
            guard pattern.whole.lengths.minimum <= Int(JSONSchemaConverter.mostRepetitions) else {
                throw PatternError(message: "asks for more than \(JSONSchemaConverter.mostRepetitions) characters")
            }
            patterns[source] = pattern
            return pattern
        } catch {
            throw failure(
                .unsupported, source.keyword, at: source.place, "\(error.message) (\(source.text.prefix(100)))")
        }
    }

    /// One pattern alone: as it is written where it can be read in one way only, or else as states.
    private mutating func expression(
        of pattern: Pattern, _ source: PatternSource, name: String
    ) throws(JSONSchemaError) -> GrammarExpression {
        let whole = pattern.whole
        let positions = PatternPositions(whole)
        if let positions {
            try spend(positions.following.count, at: source.place)
            if !positions.isDeterministic, let automaton = PatternAutomaton(positions, mostStates: 300) {
                try spend(automaton.edges.count * 4, at: source.place)
                let body = automaton.expression(in: &rules, name: name)
                try checkSize(at: source.place)
                return body
            }
        }
        let isClear = positions?.isDeterministic ?? PatternPositions(whole.shortened)?.isDeterministic ?? false
        guard isClear || !(whole.repeatsNothing || whole.nestsRepetitions) else {
            throw failure(
                .unsupported, source.keyword, at: source.place,
                "repeats what may be read in many ways (\(source.text.prefix(100)))")
        }
        let body = whole.expression(in: &rules, name: name)
        try checkSize(at: source.place)
        return body
    }

    private mutating func automaton(_ source: PatternSource) throws(JSONSchemaError) -> PatternAutomaton {
        if let known = automata[source] { return known }
        let pattern = try pattern(source)
        guard var whole = automaton(of: pattern.whole) else { throw tooComplex(source) }
        for lookahead in pattern.branches.flatMap(\.lookaheads) {
            guard let ahead = automaton(of: lookahead.pattern.whole),
                let both = whole.intersection(lookahead.isNegative ? ahead.complement : ahead)
            else { throw tooComplex(source) }
            whole = both
        }
        try spend(whole.edges.count, at: source.place)
        automata[source] = whole
        return whole
    }

    private func automaton(of node: PatternNode) -> PatternAutomaton? {
        PatternPositions(node).flatMap { PatternAutomaton($0) }
    }

    private func tooComplex(_ source: PatternSource) -> JSONSchemaError {
        failure(
            .unsupported, source.keyword, at: source.place,
            "is too large to be checked or combined (\(source.text.prefix(100)))")
    }

    /// Whether a text matches.
    mutating func matches(_ text: String, _ source: PatternSource) throws(JSONSchemaError) -> Bool {
        try spend(text.utf8.count / 4 + 1, at: source.place)
        return try automaton(source).matches(text)
    }

    // MARK: - Formats

    /// The kind of values that a format speaks about; `nil` if it speaks about none.
    mutating func typeOfFormat(_ assertion: SchemaFacts.Assertion) throws(JSONSchemaError) -> SchemaTypes? {
        guard let name = document[assertion.value].string else {
            throw failure(.invalid, "format", at: assertion.place, "must be a string")
        }
        if SchemaFormat.annotations.contains(name) { return nil }
        if SchemaFormat.namesOfPatterns.contains(name), document.keyword("pattern", of: assertion.place) != nil {
            return nil
        }
        if SchemaFormat.pattern(name) != nil { return .string }
        if SchemaFormat.integers[name] != nil { return .number }
        throw failure(
            .unsupported, "format", at: assertion.place,
            "is supported for \(SchemaFormat.known), not for '\(name.prefix(50))'")
    }

    /// Whether a listed value has a format.
    mutating func hasFormat(_ value: JSONValue, _ assertion: SchemaFacts.Assertion) throws(JSONSchemaError) -> Bool {
        guard try typeOfFormat(assertion) != nil, let name = document[assertion.value].string else { return true }
        if let range = SchemaFormat.integers[name] {
            guard let number = DecimalNumber(value) else { return true }
            return !(number < DecimalNumber(range.lowerBound)) && !(DecimalNumber(range.upperBound) < number)
        }
        guard let text = value.string, let pattern = SchemaFormat.pattern(name) else { return true }
        if try matches(text, PatternSource(keyword: "format", text: pattern, place: assertion.place)) { return true }
        // Formats are written in a part of the ways that are valid, so that other ways cannot be called invalid.
        throw failure(
            .unsupported, "format", at: assertion.place,
            "cannot be checked for the listed value '\(text.prefix(50))': leave it out")
    }

    // MARK: - Discriminators

    /// OpenAPI's name of the member that tells alternatives apart says nothing new where each of them fixes its value.
    mutating func checkDiscriminator(
        _ assertion: SchemaFacts.Assertion, _ members: OrderedDictionary<String, JSONValue>
    ) throws(JSONSchemaError) {
        let name = document[assertion.value].string ?? document[assertion.value]["propertyName"]?.string
        guard let list = members["oneOf"]?.array != nil ? "oneOf" : members["anyOf"]?.array != nil ? "anyOf" : nil
        else {
            return
        }
        guard let name, let options = document.keyword(list, of: assertion.place) else {
            throw failure(.invalid, "discriminator", at: assertion.place, "must have a propertyName")
        }
        for option in document.children(of: options) {
            guard try fixedValues(of: name, conjunction([option])) == nil else { continue }
            throw failure(
                .unsupported, "discriminator", at: assertion.place,
                "is supported where every alternative gives '\(name.prefix(50))' a const or an enum")
        }
    }
}
