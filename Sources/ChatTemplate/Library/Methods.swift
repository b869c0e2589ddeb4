import OrderedCollections

/// The methods of Python's strings, lists, tuples, dictionaries and numbers that a template can call.
enum Methods {
    /// Gets the value that the method belongs to, and the arguments.
    typealias Method = @Sendable (Interpreter, Value, CallArguments) throws(ChatTemplateError) -> Value

    /// The method `name` of a value; `nil` if its type has none.
    static func method(_ name: String, of value: Value) -> Method? {
        switch value {
        case .string: text[name]
        case .list: sequence[name] ?? (name == "copy" ? identity : nil)
        case .tuple: sequence[name]
        case .dictionary: dictionary[name]
        case .float: name == "is_integer" ? isInteger : nil
        default: nil
        }
    }

    /// Whether `name` is a method that would change the value in place.
    static func changesInPlace(_ name: String, _ value: Value) -> Bool {
        switch value {
        case .list:
            ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"].contains(name)
        case .dictionary: ["clear", "pop", "popitem", "setdefault", "update"].contains(name)
        default: false
        }
    }

    private static let identity: Method = { (interpreter, value, arguments) throws(ChatTemplateError) in
        _ = try arguments.bind("copy", [])
        return value
    }

    private static let isInteger: Method = { (interpreter, value, arguments) throws(ChatTemplateError) in
        .bool(value.numericValue.map { $0.isFinite && $0 == $0.rounded() } ?? false)
    }

    // MARK: - Dictionaries

    private static let dictionary: [String: Method] = [
        "copy": identity,
        "get": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let values = try arguments.bindPositional("get", 1...2)
            guard case .dictionary(let entries) = value, let key = values[0] else { return .none }
            guard key.isHashable else {
                throw ChatTemplateError(.evaluation, "a value of type \(key.typeName) cannot be a key")
            }
            try interpreter.charge(key.weight)
            return entries.items[key] ?? values[1] ?? .none
        },
        "items": { (interpreter, value, arguments) throws(ChatTemplateError) in
            _ = try arguments.bind("items", [])
            return try .view(of: interpreter.pairs(of: entries(of: value)))
        },
        "keys": { (interpreter, value, arguments) throws(ChatTemplateError) in
            _ = try arguments.bind("keys", [])
            return try .view(of: Array(entries(of: value).items.keys))
        },
        "values": { (interpreter, value, arguments) throws(ChatTemplateError) in
            _ = try arguments.bind("values", [])
            return try .view(of: Array(entries(of: value).items.values))
        },
    ]

    private static func entries(of value: Value) throws(ChatTemplateError) -> Entries {
        if case .dictionary(let entries) = value { entries } else { try Entries([:]) }
    }

    // MARK: - Lists and tuples

    private static let sequence: [String: Method] = [
        "count": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let wanted = try arguments.bindPositional("count", 1...1)[0]
            try interpreter.charge(value.weight)
            return .integer(try value.elements().count { $0 == wanted })
        },
        "index": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let values = try arguments.bindPositional("index", 1...3)
            try interpreter.charge(value.weight)
            let elements = try value.elements()
            let bounds = try SliceBounds(
                from: Filters.optionalInteger(values[1], of: "index"),
                to: Filters.optionalInteger(values[2], of: "index"), step: 1)
            let range = bounds.range(count: elements.count) ?? 0..<elements.count
            guard let index = elements[range].firstIndex(where: { $0 == values[0] }) else {
                throw ChatTemplateError(.evaluation, "'index' found no such element")
            }
            return .integer(index)
        },
    ]
}
