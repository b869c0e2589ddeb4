import JSON
import OrderedCollections

extension JSONSchemaConverter {
    /// What one schema says about members: `additionalProperties` speaks of those that the same schema does not name.
    private struct ObjectPart {
        let place: Int
        var properties: OrderedDictionary<String, Int> = [:]
        var additional: Int?
        var patterns: [(source: PatternSource, place: Int)] = []
    }

    private struct Member {
        let rule: GrammarExpression
        let isRequired: Bool
    }

    /// Members come in the order of `properties`; each optional one may be left out.
    mutating func object(_ facts: SchemaFacts, name: String) throws(JSONSchemaError) -> GrammarExpression {
        let parts = try objectParts(facts)
        let requiredNames = try requiredNames(facts)
        var names = OrderedSet(parts.flatMap { $0.properties.keys })
        let hasDeclared = !names.isEmpty || !requiredNames.isEmpty
        names.append(contentsOf: requiredNames)
        let (minimum, maximum) = (
            try count("minProperties", facts, isMinimum: true) ?? 0,
            try count("maxProperties", facts, isMinimum: false)
        )
        if let maximum, maximum < minimum {
            return impossibility("maxProperties", at: facts["maxProperties"][0].place, "is below minProperties")
        }
        let keys = try keyNames(facts)
        let isOpen = parts.allSatisfy { part in part.additional.map { document[$0] == true } ?? true }
        if !hasDeclared, isOpen, minimum == 0, maximum == nil, keys.places.isEmpty,
            parts.allSatisfy({ $0.patterns.isEmpty })
        {
            return JSONPrimitive.object.rule(in: &rules)
        }
        var members: [Member] = []
        for key in names {
            let isRequired = requiredNames.contains(key)
            let places = try places(of: key, parts)
            let isAllowed = try allowsKey(key, keys) && !places.contains { document[$0] == false }
            guard isAllowed else {
                guard isRequired else { continue }
                return impossibility("required", at: facts.place, "asks for '\(key.prefix(50))', which is not allowed")
            }
            members.append(try member(key, places, isRequired: isRequired, name: name))
        }
        let others = try otherMembers(parts, keys, declared: names, hasDeclared: hasDeclared, facts, name: name)
        members += others.members
        var other = others.rule
        // Keys of members without a name may be the same, so that they cannot make up a number.
        if other != nil, minimum > 1 {
            guard members.count >= minimum else {
                throw failure(
                    .unsupported, "minProperties", at: facts["minProperties"][0].place,
                    "is supported up to 1 where names of members are free, because they might repeat")
            }
            other = nil
        }
        let chain = try chain(members, other: other, minimum: minimum, maximum: maximum, name: name, facts)
        let space = JSONPrimitive.space.rule(in: &rules)
        return .sequence([.literal("{"), space, chain, .literal("}")])
    }

    // MARK: - What the schemas say

    private mutating func objectParts(_ facts: SchemaFacts) throws(JSONSchemaError) -> [ObjectPart] {
        var parts: OrderedDictionary<Int, ObjectPart> = [:]
        for assertion in facts["properties"] {
            guard case .object(let members) = document[assertion.value] else {
                throw failure(.invalid, "properties", at: assertion.place, "must be an object")
            }
            try spend(members.count, at: assertion.place)
            let children = document.children(of: assertion.value)
            for (position, key) in members.keys.enumerated() {
                try spend(on: key, at: assertion.place)
                parts[assertion.place, default: ObjectPart(place: assertion.place)].properties[key] =
                    children.lowerBound + position
            }
        }
        for assertion in facts["additionalProperties"] {
            parts[assertion.place, default: ObjectPart(place: assertion.place)].additional = assertion.value
        }
        for assertion in facts["patternProperties"] {
            guard case .object(let members) = document[assertion.value] else {
                throw failure(.invalid, "patternProperties", at: assertion.place, "must be an object")
            }
            let children = document.children(of: assertion.value)
            for (position, key) in members.keys.enumerated() {
                let source = PatternSource(keyword: "patternProperties", text: key, place: assertion.place)
                parts[assertion.place, default: ObjectPart(place: assertion.place)].patterns.append(
                    (source, children.lowerBound + position))
            }
        }
        return Array(parts.values)
    }

    private mutating func requiredNames(_ facts: SchemaFacts) throws(JSONSchemaError) -> OrderedSet<String> {
        var names: OrderedSet<String> = []
        for assertion in facts["required"] {
            guard let required = document[assertion.value].array else {
                throw failure(.invalid, "required", at: assertion.place, "must be an array of names")
            }
            for name in required {
                guard let name = name.string else {
                    throw failure(.invalid, "required", at: assertion.place, "must be an array of names")
                }
                try spend(on: name, at: assertion.place)
                names.append(name)
            }
        }
        names.append(contentsOf: facts.whole.tags.sorted())
        return names
    }

    /// Every schema that speaks about the member of a name.
    private mutating func places(of key: String, _ parts: [ObjectPart]) throws(JSONSchemaError) -> [Int] {
        var places: [Int] = []
        for part in parts {
            try spend(1 + ConversionBudget.steps(for: key), at: part.place)
            var isNamed = false
            if let place = part.properties[key] {
                isNamed = true
                places.append(place)
            }
            for pattern in part.patterns where try matches(key, pattern.source) {
                isNamed = true
                places.append(pattern.place)
            }
            if !isNamed, let additional = part.additional { places.append(additional) }
        }
        return places
    }

    private mutating func member(
        _ key: String, _ places: [Int], isRequired: Bool, name: String
    ) throws(JSONSchemaError) -> Member {
        let short = String(key.unicodeScalars.prefix(24))
        let value = try expression(at: places, name: "m-\(short)")
        let space = JSONPrimitive.space.rule(in: &rules)
        let body = GrammarExpression.sequence([
            .literal(JSONValue.string(key).serialized()), space, .literal(":"), space, value,
        ])
        let member = Member(rule: rules.rule("kv-\(short)", body), isRequired: isRequired)
        if let place = places.first { try checkSize(at: place) }
        return member
    }

    // MARK: - Names of members

    /// What `propertyNames` asks of names.
    private struct KeyNames {
        /// The schemas, those left out that say no more than that names are strings.
        var places: [Int] = []
        /// The only names, where they are listed.
        var listed: [String]?
    }

    private mutating func keyNames(_ facts: SchemaFacts) throws(JSONSchemaError) -> KeyNames {
        var keys = KeyNames()
        for assertion in facts["propertyNames"] {
            let whole = try conjunction([assertion.value])
            let said = try self.facts(of: whole)
            let isFree = said.values == nil && said.choice == nil && said.assertions.isEmpty
            if isFree, whole.impossible == nil, said.namedTypes.contains(.string) { continue }
            keys.places.append(assertion.value)
        }
        if !keys.places.isEmpty {
            keys.listed = try finiteValues(conjunction(keys.places))?.compactMap(\.string)
        }
        return keys
    }

    private mutating func allowsKey(_ key: String, _ keys: KeyNames) throws(JSONSchemaError) -> Bool {
        for place in keys.places where try !holds(.string(key), at: place) { return false }
        return true
    }

    /// Members that `properties` does not name: listed ones, or a rule for any number of them.
    private mutating func otherMembers(
        _ parts: [ObjectPart], _ keys: KeyNames, declared: OrderedSet<String>, hasDeclared: Bool, _ facts: SchemaFacts,
        name: String
    ) throws(JSONSchemaError) -> (members: [Member], rule: GrammarExpression?) {
        let patterns = parts.flatMap(\.patterns)
        let isAsked = parts.contains { part in part.additional.map { document[$0] != false } ?? false }
        guard isAsked || !hasDeclared || !patterns.isEmpty else { return ([], nil) }
        for part in parts where part.patterns.isEmpty {
            if let additional = part.additional, document[additional] == false { return ([], nil) }
        }
        guard patterns.count <= 1 else {
            throw failure(
                .unsupported, "patternProperties", at: patterns[0].source.place,
                "is supported with one pattern only")
        }
        if let listed = keys.listed, patterns.isEmpty {
            var members: [Member] = []
            for key in OrderedSet(listed) where !declared.contains(key) {
                members.append(try member(key, places(of: key, parts), isRequired: false, name: name))
            }
            return (members, nil)
        }
        var values = parts.compactMap { $0.patterns.isEmpty ? $0.additional : nil }
        let key: GrammarExpression
        if let pattern = patterns.first {
            values.append(pattern.place)
            guard keys.places.isEmpty else {
                throw failure(
                    .unsupported, "propertyNames", at: pattern.source.place, "is not supported beside patternProperties"
                )
            }
            for name in declared where try matches(name, pattern.source) {
                throw failure(
                    .unsupported, "patternProperties", at: pattern.source.place,
                    "is not supported with a pattern that fits a name in properties")
            }
            key = try string([pattern.source], name: "key")
        } else if !keys.places.isEmpty {
            var said = try self.facts(of: conjunction(keys.places))
            guard declared.isEmpty, said.choice == nil, said.values == nil else {
                throw failure(
                    .unsupported, "propertyNames", at: facts["propertyNames"][0].place,
                    "is not supported beside members with names of their own")
            }
            said.types.formIntersection(.string)
            key = said.types.isEmpty ? .never : rules.short(try string(said, name: name), "key")
        } else if declared.isEmpty {
            key = JSONPrimitive.string.rule(in: &rules)
        } else {
            let letters = declared.reduce(0) { $0 + $1.unicodeScalars.count }
            guard letters <= KeyTrie.mostLetters else { throw tooLarge(at: facts.place) }
            try spend(letters, at: facts.place)
            key = KeyTrie(declared).rule(in: &rules, name: "key")
            try checkSize(at: facts.place)
        }
        let value = try expression(at: values, name: "other")
        let space = JSONPrimitive.space.rule(in: &rules)
        return ([], rules.rule("kv", .sequence([key, space, .literal(":"), space, value])))
    }

    // MARK: - One after the other

    /// Members with commas between them. A state is the next member and how many were written, as far as that matters.
    private mutating func chain(
        _ members: [Member], other: GrammarExpression?, minimum: Int, maximum: Int?, name: String, _ facts: SchemaFacts
    ) throws(JSONSchemaError) -> GrammarExpression {
        let isLimited = maximum.map { other != nil || $0 < members.count } ?? false
        let cap = min(members.count, isLimited ? maximum ?? 0 : max(1, minimum))
        // How many ways lead to a state; none that were not counted.
        var uses = [[Int]](repeating: [Int](repeating: 0, count: cap + 1), count: members.count + 1)
        uses[0][0] = 1
        for (index, member) in members.enumerated() {
            try spend(cap + 1, at: facts.place)
            for count in 0...cap where uses[index][count] > 0 {
                if !member.isRequired { uses[index + 1][count] += 1 }
                if !isLimited || count < maximum ?? 0 { uses[index + 1][min(count + 1, cap)] += 1 }
            }
        }
        let space = JSONPrimitive.space.rule(in: &rules)
        let comma =
            rules.index(of: "comma").map { GrammarExpression.rule($0) }
            ?? rules.rule("comma", .sequence([space, .literal(","), space]))
        var next = (0...cap).map { count in
            tail(count, other: other, minimum: minimum, maximum: maximum, comma: comma, space: space)
        }
        for (index, member) in members.enumerated().reversed() {
            try spend(cap + 1, at: facts.place)
            var current = [GrammarExpression](repeating: .never, count: cap + 1)
            for count in 0...cap where uses[index][count] > 0 {
                var options: [GrammarExpression] = []
                if !isLimited || count < maximum ?? 0 {
                    var parts = count == 0 ? [member.rule] : [comma, member.rule]
                    if case .sequence(let following) = next[min(count + 1, cap)] {
                        parts += following
                    } else {
                        parts.append(next[min(count + 1, cap)])
                    }
                    options.append(.sequence(parts))
                }
                if !member.isRequired { options.append(next[count]) }
                let body = GrammarExpression.oneOf(options)
                let isShared = uses[index][count] > 1 || options.count > 1 || index.isMultiple(of: 16)
                current[count] = isShared && index > 0 ? rules.rule("from-\(index)", body) : body
            }
            next = current
            try checkSize(at: facts.place)
        }
        return next[0]
    }

    /// What may come after the members that have names.
    private mutating func tail(
        _ count: Int, other: GrammarExpression?, minimum: Int, maximum: Int?, comma: GrammarExpression,
        space: GrammarExpression
    ) -> GrammarExpression {
        guard let other else { return count < minimum ? .never : count == 0 ? .empty : space }
        let left = maximum.map { $0 - count }
        if left == 0 { return count < minimum ? .never : count == 0 ? .empty : space }
        let more = GrammarExpression.sequence([comma, other])
        guard count == 0 else {
            let others = rules.repeated(more, max(0, minimum - count), left, name: "more")
            return .sequence([others, space])
        }
        let others = GrammarExpression.sequence([
            other, rules.repeated(more, 0, left.map { $0 - 1 }, name: "more"), space,
        ])
        return minimum > 0 ? others : .optional(others)
    }
}
