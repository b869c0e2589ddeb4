import OrderedCollections

/// A value while a template renders. Lists and dictionaries are values: a template may not change them in place.
enum Value {
    /// What a missing variable, key or attribute yields; it prints as nothing, and its message says what was missing.
    case undefined(Undefined)
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    case list(Elements)
    case tuple(Elements)
    case dictionary(Entries)
    /// What `keys()`, `values()` and `items()` of a dictionary return: it has a length, but no elements by index.
    case view(Elements)
    /// What filters such as `map` and `select` return: it can be walked once, and has neither length nor elements by index.
    case generator(Generator)
    case namespace(Namespace)
    case loop(LoopState)
    case function(Function)

    static func undefined(_ message: String) -> Value { .undefined(Undefined(code: .undefined, message: message)) }
}

/// Why a value is undefined, for the error that its use causes.
struct Undefined {
    let code: ChatTemplateError.Code
    let message: String

    var error: ChatTemplateError { ChatTemplateError(code, message) }
}

/// A sequence that can be walked once.
final class Generator {
    private var remaining: ArraySlice<Value>
    let depth: Int

    init(_ values: [Value]) throws(ChatTemplateError) {
        remaining = values[...]
        depth = try Elements(values).depth
    }

    func next() -> Value? { remaining.popFirst() }

    func rest() -> [Value] {
        defer { remaining = [] }
        return Array(remaining)
    }
}

/// The one kind of value whose attributes a template may change.
final class Namespace {
    var attributes: [String: Value]

    init(_ attributes: [String: Value]) { self.attributes = attributes }
}

/// Something that can be called: a global function, a bound method, or a macro.
final class Function {
    typealias Body = (CallArguments) throws(ChatTemplateError) -> Value

    let name: String
    let depth: Int
    let body: Body

    /// - Parameter depth: How deep the value is nested that the function holds, if it is a method.
    init(_ name: String, depth: Int = 0, _ body: @escaping Body) {
        self.name = name
        self.depth = depth
        self.body = body
    }
}

// MARK: - Properties

extension Value {
    /// Whether the value counts as true in a condition.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .float(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let values), .tuple(let values), .view(let values): !values.items.isEmpty
        case .dictionary(let values): !values.items.isEmpty
        case .generator, .namespace, .loop, .function: true
        }
    }

    /// What messages call a value of this type: Python's name for it.
    var typeName: String {
        switch self {
        case .undefined: "undefined"
        case .none: "None"
        case .bool: "bool"
        case .integer: "int"
        case .float: "float"
        case .string: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .dictionary: "dict"
        case .view: "dictionary view"
        case .generator: "generator"
        case .namespace: "namespace"
        case .loop: "loop"
        case .function: "function"
        }
    }

    var isUndefined: Bool {
        if case .undefined = self { true } else { false }
    }

    /// The value as an integer where Python would take it for one (`True` counts as 1).
    var indexValue: Int? {
        switch self {
        case .integer(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The value as a floating point number where it is a number of any kind.
    var numericValue: Double? {
        switch self {
        case .float(let value): value
        default: indexValue.map(Double.init)
        }
    }

    /// The number of elements, as Python's `len` counts them; `nil` where there is no such thing.
    var length: Int? {
        switch self {
        case .undefined: 0
        case .string(let value): value.unicodeScalars.count
        case .list(let values), .tuple(let values), .view(let values): values.items.count
        case .dictionary(let values): values.items.count
        default: nil
        }
    }

    /// The elements in the order in which a loop visits them.
    ///
    /// - Throws: ``ChatTemplateError`` if the value cannot be iterated over.
    func elements() throws(ChatTemplateError) -> [Value] {
        switch self {
        case .undefined: return []
        case .string(let value): return value.unicodeScalars.map { .string(String($0)) }
        case .list(let values), .tuple(let values), .view(let values): return values.items
        case .dictionary(let values): return Array(values.items.keys)
        case .generator(let generator): return generator.rest()
        default: throw ChatTemplateError(.evaluation, "a value of type \(typeName) cannot be iterated over")
        }
    }

    /// The string, if the value is one.
    var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// - Throws: ``ChatTemplateError`` if the value is undefined.
    func defined() throws(ChatTemplateError) -> Value {
        if case .undefined(let undefined) = self { throw undefined.error }
        return self
    }
}
