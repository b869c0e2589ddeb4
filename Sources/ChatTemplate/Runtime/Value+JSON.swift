import OrderedCollections

extension Value {
    /// - Throws: ``ChatTemplateError`` if the document is nested too deep.
    init(_ json: JSONValue) throws(ChatTemplateError) {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .float(value)
        case .string(let value): self = .string(value)
        case .array(let elements):
            var values: [Value] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try Value(element)) }
            self = try .list(of: values)
        case .object(let members):
            var entries: [(name: String, value: Value)] = []
            entries.reserveCapacity(members.count)
            for (key, member) in members { entries.append((key, try Value(member))) }
            self = try .dictionary(of: entries)
        }
    }

    /// The value as JSON, with keys that are no strings written as Python's `json` module writes them.
    ///
    /// - Throws: ``ChatTemplateError`` for what JSON cannot express.
    func json() throws(ChatTemplateError) -> JSONValue {
        switch self {
        case .none: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .float(let value): return .number(value)
        case .string(let value): return .string(value)
        case .list(let values), .tuple(let values):
            var elements: [JSONValue] = []
            for value in values.items { elements.append(try value.json()) }
            return .array(elements)
        case .dictionary(let values):
            var members = OrderedDictionary<String, JSONValue>()
            for (key, value) in values.items { members[try key.jsonKey()] = try value.json() }
            return .object(members)
        default:
            throw ChatTemplateError(
                isUndefined ? .undefined : .evaluation, "a value of type \(typeName) cannot be written as JSON")
        }
    }

    private func jsonKey() throws(ChatTemplateError) -> String {
        switch self {
        case .string(let value): value
        case .none: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer, .float: text
        default: throw ChatTemplateError(.evaluation, "a value of type \(typeName) cannot be a key in JSON")
        }
    }
}
