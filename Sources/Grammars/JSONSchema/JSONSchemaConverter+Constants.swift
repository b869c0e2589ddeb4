import JSON
import OrderedCollections

// Values that are listed, which are compared with everything else that is said about them.
extension JSONSchemaConverter {
    /// Those of the listed values that all schemas allow, as they are written there.
    mutating func constants(
        _ listed: SchemaFacts.Assertion, _ facts: SchemaFacts
    ) throws(JSONSchemaError) -> GrammarExpression {
        let words = try allowed(listed, facts).map { $0.serialized() }
        guard !words.isEmpty else {
            let isConstant = document.member("const", of: listed.place) == listed.value
            return impossibility(
                isConstant ? "const" : "enum", at: listed.place, "has no value that the rest of the schema allows")
        }
        return rules.oneOf(words: words, name: "word")
    }

    private mutating func allowed(
        _ listed: SchemaFacts.Assertion, _ facts: SchemaFacts
    ) throws(JSONSchemaError) -> [JSONValue] {
        var values: [JSONValue] = []
        for value in try self.values(listed) {
            var isAllowed = true
            for part in facts.whole.parts where isAllowed {
                isAllowed = try holds(value, part: part)
            }
            for tag in facts.whole.tags where value.object != nil && value[tag] == nil { isAllowed = false }
            if isAllowed { values.append(value) }
        }
        return values
    }

    private mutating func values(_ listed: SchemaFacts.Assertion) throws(JSONSchemaError) -> [JSONValue] {
        if document.member("const", of: listed.place) == listed.value { return [document[listed.value]] }
        guard let values = document[listed.value].array else {
            throw failure(.invalid, "enum", at: listed.place, "must be an array")
        }
        try spend(values.count, at: listed.place)
        return values
    }

    /// Every value that schemas allow, if they are listed or follow from the type; `nil` if there are more.
    mutating func finiteValues(_ whole: Conjunction) throws(JSONSchemaError) -> [JSONValue]? {
        try spend(whole.size, at: whole.parts.first?.place ?? SchemaDocument.root)
        if whole.impossible != nil { return [] }
        if whole.parts.isEmpty { return nil }
        let facts = try facts(of: whole)
        if let listed = facts.values { return try allowed(listed, facts) }
        guard let choice = facts.choice else {
            switch facts.namedTypes {
            case .null: return [.null]
            case .boolean: return [true, false]
            case [.boolean, .null]: return [true, false, .null]
            default: return nil
            }
        }
        var values: [JSONValue] = []
        for option in document.children(of: choice.list) {
            var whole = whole
            whole.choose(choice.keyword, of: choice.place)
            try add(option, to: &whole)
            guard let more = try finiteValues(whole) else { return nil }
            values += more
        }
        return values
    }

    private mutating func comparables(of listed: SchemaFacts.Assertion) throws(JSONSchemaError) -> Set<[UInt8]> {
        if let known = lists[listed.value] { return known }
        let values = try self.values(listed)
        for value in values { try spend(on: value, at: listed.place) }
        let made = Set(values.map(\.comparable))
        lists[listed.value] = made
        return made
    }

    // MARK: - Checking a value

    /// Whether a schema allows a value.
    mutating func holds(_ value: JSONValue, at place: Int) throws(JSONSchemaError) -> Bool {
        let whole = try conjunction([place])
        if whole.impossible != nil { return false }
        for part in whole.parts where try !holds(value, part: part) { return false }
        return true
    }

    private mutating func holds(_ value: JSONValue, part: Conjunction.Part) throws(JSONSchemaError) -> Bool {
        let place = part.place
        guard case .object(let members) = document[place] else { return true }
        try spend(members.count, at: place)
        let first = document.children(of: place).lowerBound
        for (position, (keyword, given)) in members.enumerated() where !given.isNull || keyword == "const" {
            let isFulfilled: Bool
            switch keyword {
            case "const":
                try spend(on: value, at: place)
                isFulfilled = value.isSame(as: given)
            case "enum":
                try spend(on: value, at: place)
                let listed = SchemaFacts.Assertion(place: place, value: first + position)
                isFulfilled = try comparables(of: listed).contains(value.comparable)
            case "type": isFulfilled = try hasType(value, given, members, at: place)
            case "anyOf", "oneOf":
                if keyword == "anyOf" ? part.isAnyOfChosen : part.isOneOfChosen { continue }
                var count = 0
                for option in document.children(of: first + position) where try holds(value, at: option) { count += 1 }
                isFulfilled = keyword == "anyOf" ? count > 0 : count == 1
            case "format":
                isFulfilled = try hasFormat(value, SchemaFacts.Assertion(place: place, value: first + position))
            default:
                isFulfilled = try holds(value, keyword, given, members, at: place, child: first + position)
            }
            if !isFulfilled { return false }
        }
        return true
    }

    /// Keywords that belong to one type of values.
    private mutating func holds(
        _ value: JSONValue, _ keyword: String, _ given: JSONValue, _ members: OrderedDictionary<String, JSONValue>,
        at place: Int, child: Int
    ) throws(JSONSchemaError) -> Bool {
        guard SchemaKeywords.types[keyword] != nil else { return true }
        switch value {
        case .integer, .number, .literal:
            guard let number = DecimalNumber(value), let limit = DecimalNumber(given) else { return true }
            switch keyword {
            case "minimum": return !(number < limit)
            case "maximum": return !(limit < number)
            case "exclusiveMinimum": return limit < number
            case "exclusiveMaximum": return number < limit
            case "multipleOf": return number.isMultiple(of: limit)
            default: return true
            }
        case .string(let text):
            try spend(on: text, at: place)
            switch keyword {
            case "minLength": return DecimalNumber(given).map { !(length(text) < $0) } ?? true
            case "maxLength": return DecimalNumber(given).map { !($0 < length(text)) } ?? true
            case "pattern":
                return try matches(text, PatternSource(keyword: "pattern", text: given.string ?? "", place: place))
            default: return true
            }
        case .array(let elements):
            return try holds(elements, keyword, given, members, at: place, child: child)
        case .object(let entries):
            return try holds(entries, keyword, given, members, at: place, child: child)
        default: return true
        }
    }

    private func length(_ text: String) -> DecimalNumber { DecimalNumber(Int128(text.unicodeScalars.count)) }

    private mutating func holds(
        _ elements: [JSONValue], _ keyword: String, _ given: JSONValue, _ members: OrderedDictionary<String, JSONValue>,
        at place: Int, child: Int
    ) throws(JSONSchemaError) -> Bool {
        let prefix = members["prefixItems"]?.array?.count ?? members["items"]?.array?.count ?? 0
        switch keyword {
        case "minItems": return given.integer.map { elements.count >= $0 } ?? true
        case "maxItems": return given.integer.map { elements.count <= $0 } ?? true
        case "uniqueItems":
            for element in elements { try spend(on: element, at: place) }
            return given != true || Set(elements.map(\.comparable)).count == elements.count
        case _ where given.array != nil && (keyword == "prefixItems" || keyword == "items"):
            for (element, schema) in zip(elements, document.children(of: child)) where try !holds(element, at: schema) {
                return false
            }
            return true
        case _ where keyword == "items" || (keyword == "additionalItems" && members["items"]?.array != nil):
            for element in elements.dropFirst(prefix) where try !holds(element, at: child) { return false }
            return true
        default: return true
        }
    }

    private mutating func holds(
        _ entries: OrderedDictionary<String, JSONValue>, _ keyword: String, _ given: JSONValue,
        _ members: OrderedDictionary<String, JSONValue>, at place: Int, child: Int
    ) throws(JSONSchemaError) -> Bool {
        switch keyword {
        case "minProperties": return given.integer.map { entries.count >= $0 } ?? true
        case "maxProperties": return given.integer.map { entries.count <= $0 } ?? true
        case "required":
            for name in given.array ?? [] where entries[name.string ?? ""] == nil { return false }
            return true
        case "propertyNames":
            for name in entries.keys where try !holds(.string(name), at: child) { return false }
            return true
        case "properties":
            for (name, value) in entries {
                if let schema = document.member(name, of: child), try !holds(value, at: schema) { return false }
            }
            return true
        case "patternProperties", "additionalProperties":
            for (name, value) in entries {
                var isNamed = members["properties"]?[name] != nil
                if let patterns = document.keyword("patternProperties", of: place) {
                    for (pattern, schema) in zip(document[patterns].keys, document.children(of: patterns)) {
                        let source = PatternSource(keyword: "patternProperties", text: pattern, place: place)
                        guard try matches(name, source) else { continue }
                        isNamed = true
                        if keyword == "patternProperties", try !holds(value, at: schema) { return false }
                    }
                }
                if keyword == "additionalProperties", !isNamed, try !holds(value, at: child) { return false }
            }
            return true
        default: return true
        }
    }

    private func hasType(
        _ value: JSONValue, _ given: JSONValue, _ members: OrderedDictionary<String, JSONValue>, at place: Int
    ) throws(JSONSchemaError) -> Bool {
        var types: SchemaTypes = members["nullable"] == true ? .null : []
        for name in given.array ?? [given] {
            guard let type = SchemaTypes.named[name.string ?? ""] else {
                throw failure(
                    .invalid, "type", at: place,
                    "must be one or more of object, array, string, number, integer, boolean and null")
            }
            types.formUnion(type)
        }
        return types.contains(value.schemaType)
    }

    private mutating func spend(on value: JSONValue, at place: Int) throws(JSONSchemaError) {
        switch value {
        case .string(let text): try spend(on: text, at: place)
        case .literal(let text): try spend(on: text, at: place)
        case .array(let elements):
            try spend(1, at: place)
            for element in elements { try spend(on: element, at: place) }
        case .object(let members):
            for (key, value) in members {
                try spend(on: key, at: place)
                try spend(on: value, at: place)
            }
        default: try spend(1, at: place)
        }
    }
}

extension JSONValue {
    fileprivate var schemaType: SchemaTypes {
        switch self {
        case .null: .null
        case .bool: .boolean
        case .integer: .integer
        case .number, .literal: DecimalNumber(self)?.isWhole == true ? .integer : .fraction
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }
}

extension DecimalNumber {
    /// Whether the number is so many times another one; `false` where both are too far apart to tell.
    fileprivate func isMultiple(of step: DecimalNumber) -> Bool {
        if isZero { return true }
        let places = -min(exponent, step.exponent)
        guard let ours = scaled(places).integer, let theirs = step.scaled(places).integer, theirs != 0 else {
            return false
        }
        return ours % theirs == 0
    }
}
