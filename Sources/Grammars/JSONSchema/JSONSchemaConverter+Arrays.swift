import JSON

extension JSONSchemaConverter {
    /// What one schema says about elements.
    private struct ArrayPart {
        var prefix: [Int] = []
        /// The schema of elements after the prefix.
        var rest: Int?
    }

    mutating func array(_ facts: SchemaFacts, name: String) throws(JSONSchemaError) -> GrammarExpression {
        let minimum = try count("minItems", facts, isMinimum: true) ?? 0
        var maximum = try count("maxItems", facts, isMinimum: false)
        if let maximum, maximum < minimum {
            return impossibility("maxItems", at: facts["maxItems"][0].place, "is below minItems")
        }
        for unique in facts["uniqueItems"] where document[unique.value] != false && maximum ?? 2 > 1 {
            throw failure(
                .unsupported, "uniqueItems", at: unique.place, "cannot be promised by a grammar: leave it out")
        }
        let parts = try arrayParts(facts)
        let prefixCount = parts.map(\.prefix.count).max() ?? 0
        if prefixCount > 0, parts.allSatisfy({ $0.rest == nil }), minimum <= prefixCount {
            // Elements that no schema speaks about come only where they have to.
            maximum = min(maximum ?? prefixCount, prefixCount)
        }
        let space = JSONPrimitive.space.rule(in: &rules)
        let comma =
            rules.index(of: "comma").map { GrammarExpression.rule($0) }
            ?? rules.rule("comma", .sequence([space, .literal(","), space]))
        // From the last to the first: what follows once so many elements are written.
        var following = try rest(
            parts, after: prefixCount, minimum: minimum, maximum: maximum, comma: comma, name: name)
        for index in (0..<min(prefixCount, maximum ?? prefixCount)).reversed() {
            try spend(parts.count, at: facts.place)
            let places = parts.compactMap { index < $0.prefix.count ? $0.prefix[index] : $0.rest }
            let item = try expression(at: places, name: "item-\(index)")
            var written: [GrammarExpression] = index == 0 ? [item] : [comma, item]
            if case .sequence(let more) = following { written += more } else { written.append(following) }
            following = .sequence(written)
            if index >= minimum, index > 0 { following = .optional(following) }
            if index > 0, index.isMultiple(of: 16) || index >= minimum {
                following = rules.rule("from-\(index)", following)
            }
            try checkSize(at: facts.place)
        }
        let items = GrammarExpression.sequence([following, space])
        let isEmptyOnly = following.isEmpty
        return .sequence([
            .literal("["), space, isEmptyOnly ? .empty : minimum == 0 ? .optional(items) : items, .literal("]"),
        ])
    }

    private mutating func arrayParts(_ facts: SchemaFacts) throws(JSONSchemaError) -> [ArrayPart] {
        var parts: [Int: ArrayPart] = [:]
        var order: [Int] = []
        for keyword in ["prefixItems", "items", "additionalItems"] {
            for assertion in facts[keyword] {
                if parts[assertion.place] == nil { order.append(assertion.place) }
                var part = parts[assertion.place] ?? ArrayPart()
                // Older drafts write tuples as an array of items with `additionalItems` for the rest.
                let isOldTuple =
                    document.member("items", of: assertion.place).map { document[$0].array != nil } ?? false
                switch (keyword, isOldTuple) {
                case ("prefixItems", false), ("items", true):
                    guard document[assertion.value].array != nil else {
                        throw failure(.invalid, keyword, at: assertion.place, "must be an array of schemas")
                    }
                    part.prefix = Array(document.children(of: assertion.value))
                case ("items", false), ("additionalItems", true): part.rest = assertion.value
                // `additionalItems` says nothing beside one schema for all items.
                case ("additionalItems", false): break
                default: throw failure(.invalid, "items", at: assertion.place, "must be a schema beside prefixItems")
                }
                parts[assertion.place] = part
            }
        }
        return order.compactMap { parts[$0] }
    }

    /// Elements after those that have schemas of their own.
    private mutating func rest(
        _ parts: [ArrayPart], after count: Int, minimum: Int, maximum: Int?, comma: GrammarExpression, name: String
    ) throws(JSONSchemaError) -> GrammarExpression {
        let left = maximum.map { max(0, $0 - count) }
        if left == 0 { return .empty }
        let item = try expression(at: parts.compactMap(\.rest), name: "item")
        let more = rules.short(.sequence([comma, item]), "more")
        if count > 0 { return rules.repeated(more, max(0, minimum - count), left) }
        return .sequence([item, rules.repeated(more, max(0, minimum - 1), left.map { $0 - 1 })])
    }
}
