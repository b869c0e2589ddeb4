/// The tests of Jinja (`value is name`), by name.
enum ValueTests {
    typealias Test = @Sendable (Interpreter, Value, CallArguments) throws(ChatTemplateError) -> Bool

    static let all: [String: Test] = {
        var tests: [String: Test] = [
            "odd": { (interpreter, value, arguments) throws(ChatTemplateError) in
                try interpreter.compute(.modulo, value, .integer(2)) == .integer(1)
            },
            "even": { (interpreter, value, arguments) throws(ChatTemplateError) in
                try interpreter.compute(.modulo, value, .integer(2)) == .integer(0)
            },
            "divisibleby": { (interpreter, value, arguments) throws(ChatTemplateError) in
                let divisor = try operand(arguments, of: "divisibleby")
                return try interpreter.compute(.modulo, value, divisor) == .integer(0)
            },
            "in": { (interpreter, value, arguments) throws(ChatTemplateError) in
                try interpreter.compare(.isIn, value, operand(arguments, of: "in"))
            },
            "sameas": { (interpreter, value, arguments) throws(ChatTemplateError) in
                let other = try operand(arguments, of: "sameas")
                let isEqual = try interpreter.compare(.equal, value, other)
                return isEqual && value.typeName == other.typeName
            },
            "filter": { (interpreter, value, arguments) throws(ChatTemplateError) in Filters.all[value.text] != nil },
            "test": { (interpreter, value, arguments) throws(ChatTemplateError) in all[value.text] != nil },
            "lower": { (interpreter, value, arguments) throws(ChatTemplateError) in
                try interpreter.text(of: value).hasOnlyCase(\.isLowercase)
            },
            "upper": { (interpreter, value, arguments) throws(ChatTemplateError) in
                try interpreter.text(of: value).hasOnlyCase(\.isUppercase)
            },
        ]
        for (name, test) in types { tests[name] = typeTest(test) }
        for (comparison, names) in comparisons {
            for name in names { tests[name] = comparisonTest(comparison, name) }
        }
        return tests
    }()

    private static let comparisons: [(Expression.Comparison, [String])] = [
        (.equal, ["==", "eq", "equalto"]), (.notEqual, ["!=", "ne"]),
        (.less, ["<", "lt", "lessthan"]), (.lessOrEqual, ["<=", "le"]),
        (.greater, [">", "gt", "greaterthan"]), (.greaterOrEqual, [">=", "ge"]),
    ]

    /// Tests that look at the value alone.
    private static let types: [String: @Sendable (Value) -> Bool] = [
        "defined": { !$0.isUndefined },
        "undefined": { $0.isUndefined },
        "none": { $0.isNone },
        "boolean": { if case .bool = $0 { true } else { false } },
        "true": { if case .bool(true) = $0 { true } else { false } },
        "false": { if case .bool(false) = $0 { true } else { false } },
        "integer": { if case .integer = $0 { true } else { false } },
        "float": { if case .float = $0 { true } else { false } },
        "number": { $0.numericValue != nil },
        "string": { $0.stringValue != nil },
        "mapping": { if case .dictionary = $0 { true } else { false } },
        "escaped": { _ in false },
        "sequence": {
            switch $0 {
            case .undefined, .string, .list, .tuple, .dictionary: true
            default: false
            }
        },
        "iterable": {
            switch $0 {
            case .undefined, .string, .list, .tuple, .dictionary, .view, .generator, .loop: true
            default: false
            }
        },
        "callable": {
            switch $0 {
            case .undefined, .function, .loop: true
            default: false
            }
        },
    ]

    private static func typeTest(_ test: @escaping @Sendable (Value) -> Bool) -> Test {
        { (interpreter, value, arguments) throws(ChatTemplateError) in test(value) }
    }

    private static func comparisonTest(_ comparison: Expression.Comparison, _ name: String) -> Test {
        { (interpreter, value, arguments) throws(ChatTemplateError) in
            try interpreter.compare(comparison, value, operand(arguments, of: name))
        }
    }

    private static func operand(_ arguments: CallArguments, of test: String) throws(ChatTemplateError) -> Value {
        guard arguments.positional.count == 1, arguments.named.isEmpty else {
            throw ChatTemplateError(.evaluation, "the test '\(test)' takes one argument")
        }
        return arguments.positional[0]
    }
}

extension String {
    /// Whether all characters with a case have the given one, and there is one at least.
    fileprivate func hasOnlyCase(_ wanted: KeyPath<Unicode.Scalar.Properties, Bool>) -> Bool {
        let cased = unicodeScalars.filter(\.properties.isCased)
        return !cased.isEmpty && cased.allSatisfy { $0.properties[keyPath: wanted] }
    }
}
