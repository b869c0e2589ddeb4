import OrderedCollections

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// Python's operators. Integers have 64 bits; what does not fit is an error.
extension Interpreter {
    func compute(
        _ operation: Expression.Arithmetic, _ left: Value, _ right: Value
    ) throws(ChatTemplateError) -> Value {
        if operation == .modulo, case .string(let format) = left {
            return .string(try PercentFormat(format).apply(right, in: self))
        }
        if operation == .add, let sum = try join(left, right) { return sum }
        if operation == .multiply, let product = try repeated(left, right) { return product }
        if let left = left.indexValue, let right = right.indexValue { return try compute(operation, left, right) }
        if let left = left.numericValue, let right = right.numericValue { return try compute(operation, left, right) }
        _ = try (left.defined(), right.defined())
        throw ChatTemplateError(
            .evaluation,
            "'\(operation.rawValue)' does not work between values of the types \(left.typeName) and \(right.typeName)")
    }

    private func join(_ left: Value, _ right: Value) throws(ChatTemplateError) -> Value? {
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try charge(textBytes: left.utf8.count + right.utf8.count)
            return .string(left + right)
        case (.list(let left), .list(let right)):
            try charge((left.items.count + right.items.count) / 4)
            return try .list(of: left.items + right.items)
        case (.tuple(let left), .tuple(let right)):
            try charge((left.items.count + right.items.count) / 4)
            return try .tuple(of: left.items + right.items)
        default: return nil
        }
    }

    /// A sequence repeated, with the number on either side.
    private func repeated(_ left: Value, _ right: Value) throws(ChatTemplateError) -> Value? {
        if left.indexValue != nil, right.length != nil, right.indexValue == nil { return try repeated(right, left) }
        guard let count = right.indexValue.map({ max($0, 0) }) else { return nil }
        switch left {
        case .string(let text):
            try charge(textBytes: text.utf8.count.saturatingMultiplied(by: count))
            return .string(String(repeating: text, count: count))
        case .list(let values): return try .list(of: try repeated(values.items, count))
        case .tuple(let values): return try .tuple(of: try repeated(values.items, count))
        default: return nil
        }
    }

    private func repeated(_ values: [Value], _ count: Int) throws(ChatTemplateError) -> [Value] {
        try charge(values.count.saturatingMultiplied(by: count))
        return values.isEmpty ? [] : Array(repeatElement(values, count: count).joined())
    }

    private func compute(
        _ operation: Expression.Arithmetic, _ left: Int, _ right: Int
    ) throws(ChatTemplateError) -> Value {
        let result: (partialValue: Int, overflow: Bool)
        switch operation {
        case .add: result = left.addingReportingOverflow(right)
        case .subtract: result = left.subtractingReportingOverflow(right)
        case .multiply: result = left.multipliedReportingOverflow(by: right)
        case .divide: return try compute(operation, Double(left), Double(right))
        case .floorDivide, .modulo:
            guard right != 0 else { throw divisionByZero }
            let (quotient, overflow) = left.dividedReportingOverflow(by: right)
            guard !overflow else { throw integerOverflow }
            let remainder = left - quotient * right
            let isBelow = remainder != 0 && (remainder < 0) != (right < 0)
            return .integer(
                operation == .modulo ? remainder + (isBelow ? right : 0) : quotient - (isBelow ? 1 : 0))
        case .power:
            guard right >= 0 else { return try compute(operation, Double(left), Double(right)) }
            result = power(left, right)
        }
        guard !result.overflow else { throw integerOverflow }
        return .integer(result.partialValue)
    }

    private func power(_ base: Int, _ exponent: Int) -> (partialValue: Int, overflow: Bool) {
        var (base, exponent, result, overflow) = (base, exponent, 1, false)
        while exponent > 0 {
            if exponent & 1 == 1 {
                let (product, didOverflow) = result.multipliedReportingOverflow(by: base)
                result = product
                overflow = overflow || didOverflow
            }
            exponent >>= 1
            if exponent > 0 {
                let (square, didOverflow) = base.multipliedReportingOverflow(by: base)
                base = square
                overflow = overflow || didOverflow
            }
        }
        return (result, overflow)
    }

    private func compute(
        _ operation: Expression.Arithmetic, _ left: Double, _ right: Double
    ) throws(ChatTemplateError) -> Value {
        switch operation {
        case .add: return .float(left + right)
        case .subtract: return .float(left - right)
        case .multiply: return .float(left * right)
        case .divide:
            guard right != 0 else { throw divisionByZero }
            return .float(left / right)
        case .floorDivide:
            guard right != 0 else { throw divisionByZero }
            return .float((left / right).rounded(.down))
        case .modulo:
            guard right != 0 else { throw divisionByZero }
            let remainder = left.truncatingRemainder(dividingBy: right)
            return .float(remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder)
        case .power:
            guard left != 0 || right >= 0 else { throw divisionByZero }
            return .float(pow(left, right))
        }
    }

    func negate(_ value: Value) throws(ChatTemplateError) -> Value {
        switch try number(value) {
        case .float(let value): return .float(-value)
        case let value:
            guard let integer = value.indexValue, integer != .min else { throw integerOverflow }
            return .integer(-integer)
        }
    }

    /// The value as an integer or floating point number, as a sign before it makes of it.
    func number(_ value: Value) throws(ChatTemplateError) -> Value {
        if case .float = value { return value }
        guard let integer = try value.defined().indexValue else {
            throw ChatTemplateError(.evaluation, "a value of type \(value.typeName) has no sign")
        }
        return .integer(integer)
    }

    func compare(
        _ operation: Expression.Comparison, _ left: Value, _ right: Value
    ) throws(ChatTemplateError) -> Bool {
        try charge(min(left.weight, right.weight) / 2)
        switch operation {
        case .equal: return left == right
        case .notEqual: return left != right
        case .less: return try left.isLess(than: right)
        case .greater: return try right.isLess(than: left)
        case .lessOrEqual: return try left.isLess(than: right) || left == right
        case .greaterOrEqual: return try right.isLess(than: left) || left == right
        case .isIn: return try contains(right, left)
        case .isNotIn: return try !contains(right, left)
        }
    }

    private func contains(_ container: Value, _ value: Value) throws(ChatTemplateError) -> Bool {
        if case .dictionary = container { try charge(value.weight) } else { try charge(container.weight / 2) }
        return try value.isContained(in: container)
    }

    private var divisionByZero: ChatTemplateError { ChatTemplateError(.evaluation, "division by zero") }

    private var integerOverflow: ChatTemplateError {
        ChatTemplateError(.evaluation, "the result does not fit a 64-bit integer")
    }
}
