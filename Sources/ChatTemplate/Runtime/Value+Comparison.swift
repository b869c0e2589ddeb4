import OrderedCollections

// Equality and hashing are Python's: numbers and booleans compare by value, strings by code points, dictionaries without order.
extension Value: Hashable {
    static func == (left: Value, right: Value) -> Bool {
        if case .integer(let left) = left, case .integer(let right) = right { return left == right }
        if let left = left.numericValue, let right = right.numericValue { return left == right }
        return switch (left, right) {
        case (.undefined, .undefined), (.none, .none): true
        case (.string(let left), .string(let right)): left.hasSameScalars(as: right)
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)): left.items == right.items
        case (.dictionary(let left), .dictionary(let right)):
            left.items.count == right.items.count && left.items.allSatisfy { right.items[$0.key] == $0.value }
        case (.generator(let left), .generator(let right)): left === right
        case (.namespace(let left), .namespace(let right)): left === right
        case (.loop(let left), .loop(let right)): left === right
        case (.function(let left), .function(let right)): left === right
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        if let number = numericValue { return hasher.combine(number) }
        switch self {
        case .string(let value): for byte in value.utf8 { hasher.combine(byte) }
        case .list(let values), .tuple(let values), .view(let values): hasher.combine(values.items)
        case .dictionary(let values): hasher.combine(values.items.count)
        default: break
        }
    }

    /// Whether the value can be a key of a dictionary.
    var isHashable: Bool {
        switch self {
        case .list, .dictionary, .view: false
        case .tuple(let values): values.areHashable
        default: true
        }
    }

    /// Whether this value sorts before the other.
    ///
    /// - Throws: ``ChatTemplateError`` where Python has no order between the two.
    func isLess(than other: Value) throws(ChatTemplateError) -> Bool {
        if case .integer(let left) = self, case .integer(let right) = other { return left < right }
        if let left = numericValue, let right = other.numericValue { return left < right }
        switch (self, other) {
        case (.undefined(let undefined), _), (_, .undefined(let undefined)): throw undefined.error
        case (.string(let left), .string(let right)):
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            for (left, right) in zip(left.items, right.items) where left != right {
                return try left.isLess(than: right)
            }
            return left.items.count < right.items.count
        default:
            throw ChatTemplateError(.evaluation, "values of the types \(typeName) and \(other.typeName) have no order")
        }
    }

    /// Whether the value is an element, a key or a part of a container.
    func isContained(in container: Value) throws(ChatTemplateError) -> Bool {
        switch container {
        case .string(let text):
            guard case .string(let part) = try defined() else {
                throw ChatTemplateError(.evaluation, "'in' a string needs a string, not a value of type \(typeName)")
            }
            return text.utf8Range(of: part, from: 0) != nil
        case .dictionary(let values):
            guard isHashable else {
                throw ChatTemplateError(.evaluation, "a value of type \(typeName) cannot be a key")
            }
            return values.items[self] != nil
        default:
            return try container.elements().contains(self)
        }
    }

    /// The values in order, with equal ones as they were. `key` is what is compared.
    static func sorted(
        _ values: [Value], isReversed: Bool = false, by key: (Value) throws(ChatTemplateError) -> Value
    ) throws(ChatTemplateError) -> [Value] {
        var keyed: [(key: Value, value: Value)] = []
        for value in values { keyed.append((try key(value), value)) }
        var failure: ChatTemplateError?
        // The standard library's sort is stable; its closure cannot throw a typed error, so the first one is kept aside.
        keyed.sort { left, right in
            guard failure == nil else { return false }
            do throws(ChatTemplateError) {
                return isReversed ? try right.key.isLess(than: left.key) : try left.key.isLess(than: right.key)
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        return keyed.map(\.value)
    }
}
