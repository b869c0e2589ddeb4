import JSON
import OrderedCollections

/// What schemas that hold together say about a value.
struct SchemaFacts {
    /// A list of alternatives, one of which (or exactly one of which) has to hold.
    struct Choice {
        let keyword: String
        let place: Int
        let list: Int
    }

    /// A keyword's value and the schema that it stands in.
    struct Assertion {
        let place: Int
        let value: Int
    }

    let whole: Conjunction
    /// The schema that errors are about where none is closer.
    let place: Int
    /// The kinds of values that may come.
    var types: SchemaTypes
    /// The kinds of values that are not excluded by name; keywords may have narrowed ``types`` further.
    var namedTypes: SchemaTypes
    /// The only values, if they are listed: one list of all that were given.
    var values: Assertion?
    var choice: Choice?
    /// Assertions about kinds of values, by keyword, in the order of the schemas.
    var assertions: [String: [Assertion]] = [:]

    /// Whether other schemas may be inside of the value, or alternatives in its place.
    var isNested: Bool {
        values == nil && (choice != nil || !types.isDisjoint(with: [.object, .array]))
    }

    subscript(keyword: String) -> [Assertion] { assertions[keyword] ?? [] }
}

extension JSONSchemaConverter {
    /// Gathers what schemas say that hold together.
    mutating func facts(of whole: Conjunction) throws(JSONSchemaError) -> SchemaFacts {
        let place = whole.parts.first?.place ?? SchemaDocument.root
        var facts = SchemaFacts(whole: whole, place: place, types: .all, namedTypes: .all)
        var implied: SchemaTypes = whole.tags.isEmpty ? [] : .object
        var hasType = false
        for part in whole.parts {
            guard case .object(let members) = document[part.place] else { continue }
            try spend(members.count, at: part.place)
            let children = document.children(of: part.place)
            for (position, (keyword, value)) in members.enumerated() where !value.isNull || keyword == "const" {
                let assertion = SchemaFacts.Assertion(place: part.place, value: children.lowerBound + position)
                switch keyword {
                case "type":
                    hasType = true
                    facts.namedTypes.formIntersection(try types(assertion, members))
                case "const", "enum":
                    if facts.values == nil { facts.values = assertion }
                case "anyOf" where !part.isAnyOfChosen, "oneOf" where !part.isOneOfChosen:
                    facts.choice =
                        facts.choice
                        ?? SchemaFacts.Choice(keyword: keyword, place: part.place, list: assertion.value)
                case "format":
                    if let type = try typeOfFormat(assertion) {
                        implied.formUnion(type)
                        facts.assertions[keyword, default: []].append(assertion)
                    }
                case "discriminator":
                    try checkDiscriminator(assertion, members)
                default:
                    guard let type = SchemaKeywords.types[keyword] else { continue }
                    implied.formUnion(type)
                    facts.assertions[keyword, default: []].append(assertion)
                }
            }
        }
        facts.types = facts.namedTypes
        // Keywords without a type leave all other types free; who writes `properties` means an object, however.
        if !hasType, !implied.isEmpty { facts.types = implied }
        return facts
    }

    private func types(
        _ assertion: SchemaFacts.Assertion, _ members: OrderedDictionary<String, JSONValue>
    ) throws(JSONSchemaError) -> SchemaTypes {
        let names = document[assertion.value].array ?? [document[assertion.value]]
        var types: SchemaTypes = []
        for name in names {
            guard let type = SchemaTypes.named[name.string ?? ""] else {
                throw failure(
                    .invalid, "type", at: assertion.place,
                    "must be one or more of object, array, string, number, integer, boolean and null")
            }
            types.formUnion(type)
        }
        guard !types.isEmpty else { throw failure(.invalid, "type", at: assertion.place, "must name a type") }
        // OpenAPI 3.0 has it so that the type allows null as well.
        if let nullable = members["nullable"], nullable == true { types.formUnion(.null) }
        return types
    }

    /// A keyword that counts something: the strictest of all that were given.
    mutating func count(
        _ keyword: String, _ facts: SchemaFacts, isMinimum: Bool
    ) throws(JSONSchemaError) -> Int? {
        var strictest: Int?
        for assertion in facts[keyword] {
            guard let number = DecimalNumber(document[assertion.value]), number.isWhole, !number.isNegative else {
                throw failure(.invalid, keyword, at: assertion.place, "must be an integer of 0 or more")
            }
            guard let count = number.integer, count <= JSONSchemaConverter.mostRepetitions else {
                throw failure(
                    .unsupported, keyword, at: assertion.place,
                    "is supported up to \(JSONSchemaConverter.mostRepetitions)")
            }
            strictest = strictest.map { isMinimum ? max($0, Int(count)) : min($0, Int(count)) } ?? Int(count)
        }
        return strictest
    }

    /// The most that `minItems`, `minLength` and their like may ask for.
    static let mostRepetitions: Int128 = 1_000_000
}
