extension Filters {
    @Sendable static func absolute(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("abs", [])
        switch try interpreter.number(value) {
        case .integer(let integer): return integer < 0 ? try interpreter.negate(.integer(integer)) : .integer(integer)
        case .float(let number): return .float(number.magnitude)
        case let other: return other
        }
    }

    @Sendable static func integer(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("int", ["default", "base"])
        let base = try optionalInteger(values[1], of: "int") ?? 10
        let result: Int?
        switch try value.defined() {
        case .string(let text):
            result = PythonNumber.integer(text, base: base) ?? PythonNumber.float(text).flatMap(truncated)
        case .float(let number): result = truncated(number)
        default: result = value.indexValue
        }
        return result.map(Value.integer) ?? values[0] ?? .integer(0)
    }

    private static func truncated(_ number: Double) -> Int? { Int(exactly: number.rounded(.towardZero)) }

    @Sendable static func float(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("float", ["default"])
        let result: Double?
        if case .string(let text) = try value.defined() {
            result = PythonNumber.float(text)
        } else {
            result = value.numericValue
        }
        return result.map(Value.float) ?? values[0] ?? .float(0)
    }

    @Sendable static func round(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("round", ["precision", "method"])
        let precision = try optionalInteger(values[0], of: "round") ?? 0
        guard let number = try value.defined().numericValue, (-300...300).contains(precision) else {
            throw ChatTemplateError(.evaluation, "'round' needs a number and a precision from -300 to 300")
        }
        let method = try optionalString(values[1], of: "round") ?? "common"
        let scale = PythonNumber.powerOfTen(precision)
        switch method {
        case "ceil": return .float((number * scale).rounded(.up) / scale)
        case "floor": return .float((number * scale).rounded(.down) / scale)
        case "common":
            if let integer = value.indexValue {
                guard precision < 0 else { return .integer(integer) }
                let rounded = (number * scale).rounded(.toNearestOrEven) / scale
                return Int(exactly: rounded).map(Value.integer) ?? .float(rounded)
            }
            guard precision >= 0 else { return .float((number * scale).rounded(.toNearestOrEven) / scale) }
            // The decimal digits of the exact value decide, as in Python.
            return .float(Double(PythonNumber.format(number, "f", precision: precision)) ?? number)
        default:
            throw ChatTemplateError(.evaluation, "'round' knows the methods common, ceil and floor, not '\(method)'")
        }
    }
}
