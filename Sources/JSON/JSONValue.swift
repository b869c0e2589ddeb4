package import OrderedCollections

/// A JSON document that remembers the order of its objects' keys.
///
/// Chat templates print tools and arguments in the order in which the client wrote them, and integers as integers; both are lost
/// in Foundation's JSON types, so the project reads and writes JSON with this type.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int)
    /// A number that is written as ``Swift/Double/pythonDescription`` writes it.
    case number(Double)
    /// Any other number, as it was written (`1.10`, `1e5`, `-0`, 20 digits): what passes through keeps its form.
    case literal(String)
    case string(String)
    case array([JSONValue])
    case object(OrderedDictionary<String, JSONValue>)

    /// An object with the given keys in the given order; of equal keys the last one wins.
    package static func object(_ entries: [(String, JSONValue)]) -> JSONValue {
        .object(OrderedDictionary(entries, uniquingKeysWith: { _, last in last }))
    }
}

// MARK: - Reading

extension JSONValue {
    package var isNull: Bool { self == .null }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The value as an integer; numbers such as `3.0` count, `3.5` does not.
    package var integer: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        case .literal(let text): Self.integer(text)
        default: nil
        }
    }

    /// What a number is that is written as `text`. Written with a fraction or an exponent it is read as a floating point number, which
    /// would round what is larger than 2^53 to another integer.
    private static func integer(_ text: String) -> Int? {
        if let whole = Int(text) { return whole }
        guard text.utf8.contains(where: { [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains($0) }),
            let value = Double(text), value.magnitude <= 0x1p53
        else { return nil }
        return Int(exactly: value)
    }

    /// The value as a floating point number; integers count.
    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .literal(let text): Double(text)
        default: nil
        }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var object: OrderedDictionary<String, JSONValue>? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The keys of an object in order; empty for everything else.
    package var keys: [String] { object.map { Array($0.keys) } ?? [] }

    /// The keys and values of an object in order; empty for everything else.
    package var entries: [(key: String, value: JSONValue)] { object.map { $0.map { ($0.key, $0.value) } } ?? [] }

    /// The member `key` of an object; `nil` where there is none or where the value is no object.
    ///
    /// Setting a member of anything but an object makes it an object first; setting `nil` removes the member.
    package subscript(key: String) -> JSONValue? {
        get { object?[key] }
        set {
            var members = object ?? [:]
            self = .null  // so that `members` is changed in place
            if let newValue { members[key] = newValue } else { members.removeValue(forKey: key) }
            self = .object(members)
        }
    }

    /// The element `index` of an array; `nil` out of bounds or where the value is no array.
    package subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// What the value is, with its article, for messages: "a string", "an object", "null".
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number, .literal: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

// MARK: - Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements) }
}

extension JSONValue: CustomStringConvertible {
    package var description: String { serialized() }
}
