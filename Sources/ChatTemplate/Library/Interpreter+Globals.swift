import OrderedCollections

extension Interpreter {
    /// The functions that every template can call.
    var globals: [String: Value] {
        let functions: [(String, Function.Body)] = [
            ("range", { [unowned self] (arguments) throws(ChatTemplateError) in try range(arguments) }),
            (
                "dict",
                { [unowned self] (arguments) throws(ChatTemplateError) in
                    try .dictionary(of: dictionary(arguments, for: "dict"))
                }
            ),
            ("namespace", { [unowned self] (arguments) throws(ChatTemplateError) in try namespace(arguments) }),
            ("cycler", { [unowned self] (arguments) throws(ChatTemplateError) in try cycler(arguments) }),
            ("joiner", { (arguments) throws(ChatTemplateError) in try Interpreter.joiner(arguments) }),
            (
                "raise_exception",
                { (arguments) throws(ChatTemplateError) in
                    let message = try arguments.bind("raise_exception", ["message"], required: 1)[0]
                    throw ChatTemplateError(.raised, message?.text ?? "")
                }
            ),
            (
                "strftime_now",
                { [unowned self] (arguments) throws(ChatTemplateError) in
                    let format = try arguments.bind("strftime_now", ["format"], required: 1)[0]
                    guard case .string(let text) = format else {
                        throw ChatTemplateError(.evaluation, "'strftime_now' needs a format")
                    }
                    return .string(try clock.formatted(text))
                }
            ),
        ]
        return Dictionary(uniqueKeysWithValues: functions.map { ($0.0, .function(Function($0.0, $0.1))) })
    }

    /// The most numbers that `range` makes, as in Jinja's sandbox.
    private static let maximumRange = 100_000

    private func range(_ arguments: CallArguments) throws(ChatTemplateError) -> Value {
        let values = try arguments.bindPositional("range", 1...3)
        var numbers: [Int] = []
        for value in values {
            guard let value else { break }
            guard let number = try value.defined().indexValue else {
                throw ChatTemplateError(.evaluation, "'range' needs integers, not a value of type \(value.typeName)")
            }
            numbers.append(number)
        }
        let (start, end) = numbers.count == 1 ? (0, numbers[0]) : (numbers[0], numbers[1])
        let step = numbers.count == 3 ? numbers[2] : 1
        guard step != 0 else { throw ChatTemplateError(.evaluation, "the step of 'range' cannot be 0") }
        let distance = Double(end) - Double(start)
        guard distance / Double(step) <= Double(Interpreter.maximumRange) else {
            throw ChatTemplateError(
                .limitExceeded, "'range' makes at most \(Interpreter.maximumRange) numbers")
        }
        let result = stride(from: start, to: end, by: step).map(Value.integer)
        try charge(result.count)
        return try .list(of: result)
    }

    /// What `dict` and `namespace` are given: a dictionary or pairs, and named values.
    private func dictionary(
        _ arguments: CallArguments, for function: String
    ) throws(ChatTemplateError) -> OrderedDictionary<Value, Value> {
        guard arguments.positional.count <= 1 else {
            throw ChatTemplateError(.evaluation, "'\(function)' takes at most 1 argument without a name")
        }
        var entries = OrderedDictionary<Value, Value>()
        if case .dictionary(let given) = arguments.positional.first {
            entries = given.items
        } else if let pairs = arguments.positional.first {
            for pair in try elements(of: pairs.defined()) {
                let parts = try elements(of: pair)
                guard parts.count == 2, parts[0].isHashable else {
                    throw ChatTemplateError(.evaluation, "'\(function)' needs pairs of a key and a value")
                }
                try charge(parts[0].weight)
                entries[parts[0]] = parts[1]
            }
        }
        for (name, value) in arguments.named { entries[.string(name)] = value }
        return entries
    }

    private func namespace(_ arguments: CallArguments) throws(ChatTemplateError) -> Value {
        var attributes: [String: Value] = [:]
        for (key, value) in try dictionary(arguments, for: "namespace") { attributes[key.text] = value }
        return try makeNamespace(attributes)
    }

    /// An object whose `next()` returns one of the values after the other.
    private func cycler(_ arguments: CallArguments) throws(ChatTemplateError) -> Value {
        let values = arguments.positional
        guard !values.isEmpty else { throw ChatTemplateError(.evaluation, "'cycler' needs values") }
        let object = try makeNamespace(["current": values[0]])
        guard case .namespace(let namespace) = object else { return object }
        var position = 0
        namespace.attributes["next"] = .function(
            Function("next") { [unowned namespace] (arguments) throws(ChatTemplateError) in
                let value = values[position]
                position = (position + 1) % values.count
                namespace.attributes["current"] = values[position]
                return value
            })
        namespace.attributes["reset"] = .function(
            Function("reset") { [unowned namespace] (arguments) throws(ChatTemplateError) in
                position = 0
                namespace.attributes["current"] = values[0]
                return .none
            })
        return object
    }

    /// A function that returns nothing the first time and a separator from then on.
    private static func joiner(_ arguments: CallArguments) throws(ChatTemplateError) -> Value {
        let separator = try arguments.bind("joiner", ["sep"])[0] ?? .string(", ")
        var isUsed = false
        return .function(
            Function("joiner", depth: try Elements.checked(separator.depth + 1)) {
                (arguments) throws(ChatTemplateError) in
                defer { isUsed = true }
                return isUsed ? separator : .string("")
            })
    }
}
