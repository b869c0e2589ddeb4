import OrderedCollections

extension Interpreter {
    /// The value of an expression; each case has a function of its own, so that recursion takes little of the stack.
    func value(of expression: Expression, filtering text: Value? = nil) throws(ChatTemplateError) -> Value {
        switch expression.kind {
        case .literal(let literal): return Value(literal)
        case .name(let name): return scope.lookUp(name) ?? .undefined("'\(name)' is undefined")
        case .attribute(let base, let name): return try attribute(name, of: try evaluate(base))
        case .item(let base, let key): return try item(try evaluate(key), of: try evaluate(base))
        case .slice(let base, let from, let to, let step): return try slice(base, from: from, to: to, step: step)
        case .call(let callee, let arguments): return try evaluateCall(callee, arguments)
        case .filter(let input, let name, let arguments):
            return try evaluateFilter(name, arguments, of: input, filtering: text)
        case .test(let input, let name, let arguments): return try evaluateTest(name, arguments, of: input)
        case .not(let operand): return .bool(try !evaluate(operand).isTrue)
        case .negative(let operand): return try negate(try evaluate(operand))
        case .positive(let operand): return try number(try evaluate(operand))
        case .arithmetic(let operation, let left, let right):
            return try compute(operation, try evaluate(left), try evaluate(right))
        case .and(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .or(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .comparison(let first, let rest): return try evaluateComparison(first, rest)
        case .concatenation(let parts): return try concatenate(parts)
        case .conditional(let condition, let then, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(then) }
            return try otherwise.map(evaluate) ?? .undefined("the condition is false and there is no 'else'")
        case .list(let elements): return try .list(of: try evaluate(elements))
        case .tuple(let elements): return try .tuple(of: try evaluate(elements))
        case .dictionary(let pairs): return try evaluateDictionary(pairs)
        }
    }

    /// The text of a value, counted.
    func text(of value: Value) throws(ChatTemplateError) -> String {
        if case .string(let text) = value { return text }
        try charge(value.weight)
        return value.text
    }

    private func evaluate(_ expressions: [Expression]) throws(ChatTemplateError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private func evaluateDictionary(
        _ pairs: [(key: Expression, value: Expression)]
    ) throws(ChatTemplateError) -> Value {
        var entries = OrderedDictionary<Value, Value>()
        for (key, value) in pairs {
            let key = try evaluate(key)
            guard key.isHashable else {
                throw ChatTemplateError(.evaluation, "a value of type \(key.typeName) cannot be a key")
            }
            try charge(key.weight)
            entries[key] = try evaluate(value)
        }
        return try .dictionary(of: entries)
    }

    private func concatenate(_ parts: [Expression]) throws(ChatTemplateError) -> Value {
        var result = ""
        for part in parts { result += try text(of: try evaluate(part)) }
        try charge(textBytes: result.utf8.count)
        return .string(result)
    }

    private func evaluateComparison(
        _ first: Expression, _ rest: [(Expression.Comparison, Expression)]
    ) throws(ChatTemplateError) -> Value {
        var left = try evaluate(first)
        for (operation, expression) in rest {
            let right = try evaluate(expression)
            guard try compare(operation, left, right) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    // MARK: - Attributes and items

    func attribute(_ name: String, of base: Value) throws(ChatTemplateError) -> Value {
        if let method = try method(name, of: base.defined()) { return method }
        if case .tuple(let pair) = base, pair.items.count == 2, let index = ["grouper", "list"].firstIndex(of: name) {
            return pair.items[index]  // what the filter 'groupby' returns
        }
        if case .dictionary(let values) = base, let value = values.items[.string(name)] { return value }
        return .undefined("a value of type \(base.typeName) has no attribute '\(name)'")
    }

    func item(_ key: Value, of base: Value) throws(ChatTemplateError) -> Value {
        if case .tuple = key { try charge(key.weight) }
        switch try base.defined() {
        case .dictionary(let values):
            if key.isHashable, let value = values.items[key] { return value }
        case .list(let values), .tuple(let values):
            if let index = key.indexValue.flatMap({ position($0, count: values.items.count) }) {
                return values.items[index]
            }
        case .string(let text):
            if let index = key.indexValue {
                let scalars = text.unicodeScalars
                try charge(text.utf8.count / 64)
                guard let position = position(index, count: scalars.count) else { break }
                return .string(String(scalars[scalars.index(scalars.startIndex, offsetBy: position)]))
            }
        default: break
        }
        if case .string(let name) = key, let method = try method(name, of: base) { return method }
        let description = key.weight < 16 ? key.representation : "of type \(key.typeName)"
        return .undefined("a value of type \(base.typeName) has no element \(description)")
    }

    private func position(_ index: Int, count: Int) -> Int? {
        let position = index < 0 ? index + count : index
        return (0..<count).contains(position) ? position : nil
    }

    /// The method or built-in attribute of a value; `nil` if its type has none of this name.
    private func method(_ name: String, of base: Value) throws(ChatTemplateError) -> Value? {
        switch base {
        case .namespace(let namespace): return namespace.attributes[name]
        case .loop(let loop): return try loop.attribute(name)
        default: break
        }
        if Methods.changesInPlace(name, base) {
            return .undefined(
                Undefined(
                    code: .forbidden,
                    message: "'\(name)' changes a value of type \(base.typeName) in place, which templates may not do"))
        }
        guard let method = Methods.method(name, of: base) else { return nil }
        return .function(
            Function(name, depth: try Elements.checked(base.depth + 1)) {
                [unowned self] (arguments) throws(ChatTemplateError) in
                try method(self, base, arguments)
            })
    }

    private func slice(
        _ base: Expression, from: Expression?, to: Expression?, step: Expression?
    ) throws(ChatTemplateError) -> Value {
        let base = try evaluate(base).defined()
        let bounds = try SliceBounds(
            from: try bound(from), to: try bound(to), step: try bound(step))
        switch base {
        case .list(let values):
            return try .list(of: try slice(values.items, bounds))
        case .tuple(let values):
            return try .tuple(of: try slice(values.items, bounds))
        case .string(let text):
            try charge(text.utf8.count / 8)
            return .string(String(scalars: try slice(Array(text.unicodeScalars), bounds)))
        default:
            return .undefined("a value of type \(base.typeName) cannot be sliced")
        }
    }

    private func slice<Element>(_ elements: [Element], _ bounds: SliceBounds) throws(ChatTemplateError) -> [Element] {
        if let range = bounds.range(count: elements.count) {
            try charge(range.count / 8)
            return Array(elements[range])
        }
        let indices = bounds.indices(count: elements.count)
        try charge(indices.count)
        return indices.map { elements[$0] }
    }

    private func bound(_ expression: Expression?) throws(ChatTemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression).defined()
        if case .none = value { return nil }
        guard let index = value.indexValue else {
            throw ChatTemplateError(.evaluation, "a slice needs integers, not a value of type \(value.typeName)")
        }
        return index
    }

    // MARK: - Calls

    func evaluate(_ arguments: Expression.Arguments) throws(ChatTemplateError) -> CallArguments {
        var result = CallArguments(positional: try evaluate(arguments.positional))
        for (name, value) in arguments.named { result.named.append((name, try evaluate(value))) }
        if let spread = arguments.spread { result.positional += try elements(of: evaluate(spread)) }
        if let spread = arguments.namedSpread {
            guard case .dictionary(let values) = try evaluate(spread) else {
                throw ChatTemplateError(.evaluation, "'**' needs a dictionary")
            }
            for (key, value) in values.items {
                guard case .string(let name) = key else {
                    throw ChatTemplateError(.evaluation, "'**' needs keys that are strings")
                }
                result.named.append((name, value))
            }
        }
        return result
    }

    private func evaluateCall(
        _ callee: Expression, _ arguments: Expression.Arguments
    ) throws(ChatTemplateError) -> Value {
        try call(try evaluate(callee), try evaluate(arguments))
    }

    func call(_ callee: Value, _ arguments: CallArguments) throws(ChatTemplateError) -> Value {
        switch try callee.defined() {
        case .function(let function): return try function.body(arguments)
        case .loop(let loop):
            guard let recurse = loop.recurse, let iterable = arguments.positional.first else {
                throw ChatTemplateError(
                    .evaluation, "'loop' can be called in a recursive loop only, with what to loop over")
            }
            return try recurse(iterable)
        default: throw ChatTemplateError(.evaluation, "a value of type \(callee.typeName) cannot be called")
        }
    }

    private func evaluateFilter(
        _ name: String, _ arguments: Expression.Arguments, of input: Expression?, filtering text: Value?
    ) throws(ChatTemplateError) -> Value {
        let value: Value
        if let input, case .filter = input.kind {
            value = try self.value(of: input, filtering: text)
        } else if let input {
            value = try evaluate(input)
        } else {
            value = text ?? .string("")
        }
        return try filter(name, value, try evaluate(arguments))
    }

    /// Applies the filter `name`.
    func filter(_ name: String, _ value: Value, _ arguments: CallArguments) throws(ChatTemplateError) -> Value {
        guard let filter = Filters.all[name] else {
            throw ChatTemplateError(.evaluation, "there is no filter '\(name)'")
        }
        return try filter(self, value, arguments)
    }

    private func evaluateTest(
        _ name: String, _ arguments: Expression.Arguments, of input: Expression
    ) throws(ChatTemplateError) -> Value {
        .bool(try test(name, try evaluate(input), try evaluate(arguments)))
    }

    /// Whether the test `name` holds.
    func test(_ name: String, _ value: Value, _ arguments: CallArguments) throws(ChatTemplateError) -> Bool {
        guard let test = ValueTests.all[name] else {
            throw ChatTemplateError(.evaluation, "there is no test '\(name)'")
        }
        return try test(self, value, arguments)
    }
}

extension Value {
    fileprivate init(_ literal: Expression.Literal) {
        switch literal {
        case .none: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .float(let value): self = .float(value)
        case .string(let value): self = .string(value)
        }
    }
}
