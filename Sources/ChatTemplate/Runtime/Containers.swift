import OrderedCollections

/// The elements of a list or tuple, with what they weigh.
///
/// A template can build values that are nested very deep, or that share parts so often that printing them would never end. Both
/// are known when a container is made: its depth is limited, and its weight is charged for before it is walked.
struct Elements {
    let items: [Value]
    /// How many containers are inside of each other, this one included.
    let depth: Int
    /// How many values are inside, counted once for every time they are reached, and how many groups of 8 bytes of text.
    let weight: Int
    /// Whether all elements can be keys of a dictionary, so that a tuple of them can be one too.
    let areHashable: Bool

    /// How deep containers may be nested: deeper than JSON input, and shallow enough to walk recursively.
    static let maximumDepth = 160

    /// - Throws: ``ChatTemplateError`` if the elements are nested too deep already.
    init(_ items: [Value]) throws(ChatTemplateError) {
        self.items = items
        var (depth, weight, areHashable) = (0, 1, true)
        for item in items {
            depth = max(depth, item.depth)
            weight = weight.saturatingAdding(item.weight)
            areHashable = areHashable && item.isHashable
        }
        self.areHashable = areHashable
        self.depth = try Elements.checked(depth + 1)
        self.weight = weight
    }

    static func checked(_ depth: Int) throws(ChatTemplateError) -> Int {
        guard depth <= maximumDepth else {
            throw ChatTemplateError(.limitExceeded, "the template nests values deeper than \(maximumDepth)")
        }
        return depth
    }
}

/// The entries of a dictionary, with what they weigh.
struct Entries {
    let items: OrderedDictionary<Value, Value>
    let depth: Int
    let weight: Int

    /// - Throws: ``ChatTemplateError`` if the entries are nested too deep already.
    init(_ items: OrderedDictionary<Value, Value>) throws(ChatTemplateError) {
        self.items = items
        var (depth, weight) = (0, 1)
        for (key, value) in items {
            depth = max(depth, key.depth, value.depth)
            weight = weight.saturatingAdding(key.weight).saturatingAdding(value.weight)
        }
        self.depth = try Elements.checked(depth + 1)
        self.weight = weight
    }
}

extension Value {
    static func list(of values: [Value]) throws(ChatTemplateError) -> Value { .list(try Elements(values)) }

    static func tuple(of values: [Value]) throws(ChatTemplateError) -> Value { .tuple(try Elements(values)) }

    static func view(of values: [Value]) throws(ChatTemplateError) -> Value { .view(try Elements(values)) }

    static func generator(of values: [Value]) throws(ChatTemplateError) -> Value { .generator(try Generator(values)) }

    static func dictionary(of entries: OrderedDictionary<Value, Value>) throws(ChatTemplateError) -> Value {
        .dictionary(try Entries(entries))
    }

    /// A dictionary with string keys; of equal keys the last one wins.
    static func dictionary(of entries: [(name: String, value: Value)]) throws(ChatTemplateError) -> Value {
        try dictionary(
            of: OrderedDictionary(entries.map { (.string($0.name), $0.value) }, uniquingKeysWith: { _, last in last }))
    }

    /// How many containers are inside of each other in this value.
    var depth: Int {
        switch self {
        case .list(let values), .tuple(let values), .view(let values): values.depth
        case .dictionary(let values): values.depth
        case .generator(let generator): generator.depth
        case .function(let function): function.depth
        default: 0
        }
    }

    /// How much work it is to print or compare the value.
    var weight: Int {
        switch self {
        case .list(let values), .tuple(let values), .view(let values): values.weight
        case .dictionary(let values): values.weight
        case .string(let text): 1 + text.utf8.count / 8
        default: 1
        }
    }
}

extension Int {
    /// The sum of two numbers that are not negative, or the largest integer where it does not fit.
    func saturatingAdding(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The product of two numbers that are not negative, or the largest integer where it does not fit.
    func saturatingMultiplied(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
