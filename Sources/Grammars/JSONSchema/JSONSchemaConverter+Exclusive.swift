import JSON
import OrderedCollections

// `oneOf` wants exactly one alternative to hold, which a grammar can only promise if no value fits two.
extension JSONSchemaConverter {
    /// The most alternatives that are compared with each other, two by two.
    private static let mostCompared = 100

    /// Makes sure that alternatives exclude each other.
    ///
    /// - Returns: Members that have to be there for that: generators leave tags out of `required` that have a default.
    mutating func exclusiveTags(
        _ options: [Int], _ facts: SchemaFacts, at place: Int
    ) throws(JSONSchemaError) -> Set<String> {
        guard options.count > 1 else { return [] }
        var wholes: [Conjunction] = []
        for option in options { wholes.append(try conjunction([option])) }
        wholes.removeAll { $0.impossible != nil }
        guard wholes.count > 1 else { return [] }
        if let tag = try tag(of: wholes, at: place) { return [tag] }
        guard wholes.count <= JSONSchemaConverter.mostCompared else {
            throw failure(
                .unsupported, "oneOf", at: place,
                "is supported for \(JSONSchemaConverter.mostCompared) alternatives without a tag: use anyOf or enum")
        }
        var said: [SchemaFacts] = []
        for whole in wholes { said.append(try self.facts(of: whole)) }
        for index in said.indices {
            for other in said[..<index] where try !areDisjoint(other, said[index], depth: 0) {
                throw failure(
                    .unsupported, "oneOf", at: place,
                    "has alternatives that may hold at once: use anyOf, or tell them apart by type or by a constant")
            }
        }
        return []
    }

    /// A member that has other values in each of the alternatives.
    private mutating func tag(of wholes: [Conjunction], at place: Int) throws(JSONSchemaError) -> String? {
        for whole in wholes where try !isObject(whole) { return nil }
        for name in try names(of: wholes[0]) {
            var seen: Set<[UInt8]> = []
            var isTag = true
            for whole in wholes where isTag {
                guard let values = try fixedValues(of: name, whole) else {
                    isTag = false
                    continue
                }
                let mine = Set(values.map(\.comparable))
                isTag = seen.isDisjoint(with: mine)
                seen.formUnion(mine)
            }
            if isTag { return name }
        }
        return nil
    }

    /// Whether only objects are made of the schemas.
    private mutating func isObject(_ whole: Conjunction) throws(JSONSchemaError) -> Bool {
        if whole.parts.isEmpty { return false }
        let facts = try facts(of: whole)
        if facts.values != nil { return false }
        if facts.types == .object { return true }
        guard let choice = facts.choice else { return false }
        for option in document.children(of: choice.list) where try !isObject(conjunction([option])) { return false }
        return true
    }

    /// The members that schemas name, those of the first alternative included.
    private mutating func names(of whole: Conjunction) throws(JSONSchemaError) -> [String] {
        let facts = try facts(of: whole)
        var names: [String] = []
        for properties in facts["properties"] { names += document[properties.value].keys }
        if let choice = facts.choice, let first = document.children(of: choice.list).first {
            names += try self.names(of: conjunction([first]))
        }
        return names
    }

    /// The values of a member that schemas list for it, if they do.
    mutating func fixedValues(of name: String, _ whole: Conjunction) throws(JSONSchemaError) -> [JSONValue]? {
        let facts = try facts(of: whole)
        for properties in facts["properties"] {
            try spend(on: name, at: properties.place)
            guard let member = document.member(name, of: properties.value) else { continue }
            if let values = try finiteValues(conjunction([member])) { return values }
        }
        guard let choice = facts.choice else { return nil }
        var values: [JSONValue] = []
        for option in document.children(of: choice.list) {
            guard let more = try fixedValues(of: name, conjunction([option])) else { return nil }
            values += more
        }
        return values
    }

    // MARK: - Two alternatives

    private mutating func areDisjoint(
        _ left: SchemaFacts, _ right: SchemaFacts, depth: Int
    ) throws(JSONSchemaError) -> Bool {
        try spend(left.whole.size + right.whole.size, at: left.place)
        guard depth < 4 else { return false }
        // A schema may allow more than is written for it, so that both sides are looked at.
        if left.types.isDisjoint(with: right.namedTypes), right.types.isDisjoint(with: left.namedTypes) { return true }
        if let values = try finiteValues(left.whole) { return try !holds(anyOf: values, right) }
        if let values = try finiteValues(right.whole) { return try !holds(anyOf: values, left) }
        guard left.types == .object, right.types == .object else { return false }
        let required = (try required(left), try required(right))
        for name in required.0.union(required.1) {
            let (ours, theirs) = (try member(name, left), try member(name, right))
            if ours.impossible != nil, required.1.contains(name) { return true }
            if theirs.impossible != nil, required.0.contains(name) { return true }
            guard !ours.parts.isEmpty, !theirs.parts.isEmpty else { continue }
            let (mine, other) = (try facts(of: ours), try facts(of: theirs))
            if try areDisjoint(mine, other, depth: depth + 1) { return true }
        }
        return false
    }

    private mutating func holds(anyOf values: [JSONValue], _ facts: SchemaFacts) throws(JSONSchemaError) -> Bool {
        for value in values {
            var isAllowed = true
            for part in facts.whole.parts where isAllowed { isAllowed = try holds(value, at: part.place) }
            if isAllowed { return true }
        }
        return false
    }

    private mutating func required(_ facts: SchemaFacts) throws(JSONSchemaError) -> Set<String> {
        var names: Set<String> = []
        for required in facts["required"] {
            let given = (document[required.value].array ?? []).compactMap(\.string)
            for name in given { try spend(on: name, at: required.place) }
            names.formUnion(given)
        }
        return names
    }

    /// What schemas say about a member.
    private mutating func member(_ name: String, _ facts: SchemaFacts) throws(JSONSchemaError) -> Conjunction {
        var places: [Int] = []
        for part in facts.whole.parts {
            try spend(on: name, at: part.place)
            if let properties = document.keyword("properties", of: part.place),
                let member = document.member(name, of: properties)
            {
                places.append(member)
            } else if document.keyword("patternProperties", of: part.place) == nil,
                let additional = document.keyword("additionalProperties", of: part.place)
            {
                places.append(additional)
            }
        }
        return try conjunction(places)
    }
}
