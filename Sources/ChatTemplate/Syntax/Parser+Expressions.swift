// Expressions, from the loosest to the tightest binding. Loops that build a tree to the left count every round as a level of
// nesting, because the interpreter recurses as deep as the tree.
extension Parser {
    mutating func expression(allowsConditional: Bool = true) throws(ChatTemplateError) -> Expression {
        let saved = nesting
        defer { nesting = saved }
        try deepen()
        return allowsConditional ? try conditionalExpression() : try disjunction()
    }

    /// Reads an expression, or a tuple without parentheses where a comma follows it.
    mutating func tupleOrExpression(
        allowsConditional: Bool = true, endingAt end: String? = nil, allowsEmpty: Bool = false
    ) throws(ChatTemplateError) -> Expression {
        let line = current.line
        var elements: [Expression] = []
        var isTuple = false
        while !isTupleEnd(end) {
            elements.append(try expression(allowsConditional: allowsConditional))
            guard skip(.comma) else { break }
            isTuple = true
        }
        if !isTuple, let first = elements.first { return first }
        guard isTuple || allowsEmpty else { throw unexpected(expecting: "an expression") }
        return Expression(line: line, kind: .tuple(elements))
    }

    private func isTupleEnd(_ end: String?) -> Bool {
        switch current.kind {
        case .variableEnd, .blockEnd, .symbol(.rightParenthesis): true
        case .name(let name): name == end
        default: false
        }
    }

    private mutating func conditionalExpression() throws(ChatTemplateError) -> Expression {
        var result = try disjunction()
        while skip(name: "if") {
            try deepen()
            let condition = try disjunction()
            let otherwise = skip(name: "else") ? try expression() : nil
            result = Expression(
                line: result.line, kind: .conditional(condition: condition, then: result, otherwise: otherwise))
        }
        return result
    }

    private mutating func disjunction() throws(ChatTemplateError) -> Expression {
        var left = try conjunction()
        while skip(name: "or") {
            try deepen()
            left = Expression(line: left.line, kind: .or(left, try conjunction()))
        }
        return left
    }

    private mutating func conjunction() throws(ChatTemplateError) -> Expression {
        var left = try negation()
        while skip(name: "and") {
            try deepen()
            left = Expression(line: left.line, kind: .and(left, try negation()))
        }
        return left
    }

    private mutating func negation() throws(ChatTemplateError) -> Expression {
        guard case .name("not") = current.kind else { return try comparison() }
        let saved = nesting
        defer { nesting = saved }
        try deepen()
        let line = current.line
        advance()
        return Expression(line: line, kind: .not(try negation()))
    }

    private mutating func comparison() throws(ChatTemplateError) -> Expression {
        let first = try sum()
        var rest: [(Expression.Comparison, Expression)] = []
        while let operation = comparisonOperator() {
            rest.append((operation, try sum()))
        }
        return rest.isEmpty ? first : Expression(line: first.line, kind: .comparison(first, rest))
    }

    private mutating func comparisonOperator() -> Expression.Comparison? {
        let operation: Expression.Comparison
        switch current.kind {
        case .symbol(.equal): operation = .equal
        case .symbol(.notEqual): operation = .notEqual
        case .symbol(.less): operation = .less
        case .symbol(.lessOrEqual): operation = .lessOrEqual
        case .symbol(.greater): operation = .greater
        case .symbol(.greaterOrEqual): operation = .greaterOrEqual
        case .name("in"): operation = .isIn
        case .name("not") where next.kind == .name("in"):
            advance()
            operation = .isNotIn
        default: return nil
        }
        advance()
        return operation
    }

    private mutating func sum() throws(ChatTemplateError) -> Expression {
        var left = try concatenation()
        while true {
            let operation: Expression.Arithmetic
            switch current.kind {
            case .symbol(.add): operation = .add
            case .symbol(.subtract): operation = .subtract
            default: return left
            }
            try deepen()
            advance()
            left = Expression(line: left.line, kind: .arithmetic(operation, left, try concatenation()))
        }
    }

    private mutating func concatenation() throws(ChatTemplateError) -> Expression {
        let first = try product()
        var parts = [first]
        while skip(.tilde) { parts.append(try product()) }
        return parts.count == 1 ? first : Expression(line: first.line, kind: .concatenation(parts))
    }

    private mutating func product() throws(ChatTemplateError) -> Expression {
        var left = try power()
        while true {
            let operation: Expression.Arithmetic
            switch current.kind {
            case .symbol(.multiply): operation = .multiply
            case .symbol(.divide): operation = .divide
            case .symbol(.floorDivide): operation = .floorDivide
            case .symbol(.modulo): operation = .modulo
            default: return left
            }
            try deepen()
            advance()
            left = Expression(line: left.line, kind: .arithmetic(operation, left, try power()))
        }
    }

    private mutating func power() throws(ChatTemplateError) -> Expression {
        var left = try unary()
        while skip(.power) {
            try deepen()
            left = Expression(line: left.line, kind: .arithmetic(.power, left, try unary()))
        }
        return left
    }

    private mutating func unary(allowsFilters: Bool = true) throws(ChatTemplateError) -> Expression {
        let line = current.line
        var value: Expression
        if current.kind == .symbol(.subtract) || current.kind == .symbol(.add) {
            let isNegative = current.kind == .symbol(.subtract)
            let saved = nesting
            defer { nesting = saved }
            try deepen()
            advance()
            let operand = try unary(allowsFilters: false)
            value = Expression(line: line, kind: isNegative ? .negative(operand) : .positive(operand))
        } else {
            value = try primary()
        }
        value = try postfix(value)
        return allowsFilters ? try filtersAndTests(value) : value
    }

    private mutating func primary() throws(ChatTemplateError) -> Expression {
        let line = current.line
        let kind: Expression.Kind
        switch current.kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": kind = .literal(.bool(true))
            case "false", "False": kind = .literal(.bool(false))
            case "none", "None": kind = .literal(.none)
            default:
                note(mention: name)
                kind = .name(name)
            }
        case .string(var text):
            advance()
            while case .string(let more) = current.kind {
                text += more
                advance()
            }
            kind = .literal(.string(text))
        case .integer(let value):
            advance()
            kind = .literal(.integer(value))
        case .float(let value):
            advance()
            kind = .literal(.float(value))
        case .symbol(.leftParenthesis):
            advance()
            let inner = try tupleOrExpression(allowsEmpty: true)
            try expect(.rightParenthesis)
            return inner
        case .symbol(.leftBracket):
            advance()
            kind = .list(try elements(until: .rightBracket))
        case .symbol(.leftBrace):
            advance()
            kind = .dictionary(try pairs())
        default:
            throw unexpected(expecting: "an expression")
        }
        return Expression(line: line, kind: kind)
    }

    private mutating func elements(until end: Token.Symbol) throws(ChatTemplateError) -> [Expression] {
        var elements: [Expression] = []
        while !skip(end) {
            if !elements.isEmpty {
                try expect(.comma)
                if skip(end) { break }
            }
            elements.append(try expression())
        }
        return elements
    }

    private mutating func pairs() throws(ChatTemplateError) -> [(key: Expression, value: Expression)] {
        var pairs: [(key: Expression, value: Expression)] = []
        while !skip(.rightBrace) {
            if !pairs.isEmpty {
                try expect(.comma)
                if skip(.rightBrace) { break }
            }
            let key = try expression()
            try expect(.colon)
            pairs.append((key, try expression()))
        }
        return pairs
    }

    // MARK: - Postfix

    private mutating func postfix(_ value: Expression) throws(ChatTemplateError) -> Expression {
        var value = value
        while true {
            switch current.kind {
            case .symbol(.dot), .symbol(.leftBracket):
                try deepen()
                value = try subscription(value)
            case .symbol(.leftParenthesis):
                try deepen()
                value = Expression(line: current.line, kind: .call(value, try arguments()))
            default: return value
            }
        }
    }

    private mutating func subscription(_ value: Expression) throws(ChatTemplateError) -> Expression {
        let line = current.line
        if skip(.dot) {
            let key = current
            advance()
            switch key.kind {
            case .name(let name): return Expression(line: line, kind: .attribute(value, name))
            case .integer(let index):
                return Expression(
                    line: line, kind: .item(value, Expression(line: line, kind: .literal(.integer(index)))))
            default: throw ChatTemplateError(.syntax, "expected a name or a number after '.'", line: key.line)
            }
        }
        try expect(.leftBracket)
        let result: Expression
        if current.kind == .symbol(.colon) {
            result = try slice(of: value, from: nil, line: line)
        } else {
            let key = try expression()
            if current.kind == .symbol(.colon) {
                result = try slice(of: value, from: key, line: line)
            } else if skip(.comma) {
                let rest = try elements(until: .rightBracket)
                return Expression(
                    line: line, kind: .item(value, Expression(line: line, kind: .tuple([key] + rest))))
            } else {
                result = Expression(line: line, kind: .item(value, key))
            }
        }
        try expect(.rightBracket)
        return result
    }

    private mutating func slice(
        of value: Expression, from start: Expression?, line: Int
    ) throws(ChatTemplateError) -> Expression {
        try expect(.colon)
        var end: Expression?
        var step: Expression?
        if current.kind != .symbol(.colon), current.kind != .symbol(.rightBracket) { end = try expression() }
        if skip(.colon), current.kind != .symbol(.rightBracket) { step = try expression() }
        return Expression(line: line, kind: .slice(value, from: start, to: end, step: step))
    }

    private mutating func filtersAndTests(_ value: Expression) throws(ChatTemplateError) -> Expression {
        var value = value
        while true {
            switch current.kind {
            case .symbol(.pipe): value = try filterChain(value)
            case .name("is"):
                try deepen()
                value = try test(value)
            case .symbol(.leftParenthesis):
                try deepen()
                value = Expression(line: current.line, kind: .call(value, try arguments()))
            default: return value
            }
        }
    }

    /// Reads filters; `startsInline` is for a filter block, whose first filter has no `|` before it.
    mutating func filterChain(
        _ value: Expression?, startsInline: Bool = false
    ) throws(ChatTemplateError) -> Expression {
        var value = value
        var isFirst = startsInline
        while isFirst || skip(.pipe) {
            isFirst = false
            try deepen()
            let line = current.line
            let name = try dottedName()
            let hasArguments = current.kind == .symbol(.leftParenthesis)
            let arguments = hasArguments ? try arguments() : Expression.Arguments()
            value = Expression(line: line, kind: .filter(value, name, arguments))
        }
        guard let value else { throw unexpected(expecting: "a filter") }
        return value
    }

    private mutating func test(_ value: Expression) throws(ChatTemplateError) -> Expression {
        let line = current.line
        advance()
        let isNegated = skip(name: "not")
        let name = try dottedName()
        var arguments = Expression.Arguments()
        switch current.kind {
        case .symbol(.leftParenthesis): arguments = try self.arguments()
        case .name("else"), .name("or"), .name("and"): break
        case .name("is"): throw failure("tests cannot be chained with 'is'")
        case .name, .string, .integer, .float, .symbol(.leftBracket), .symbol(.leftBrace):
            arguments.positional = [try postfix(try primary())]
        default: break
        }
        let result = Expression(line: line, kind: .test(value, name, arguments))
        return isNegated ? Expression(line: line, kind: .not(result)) : result
    }

    private mutating func dottedName() throws(ChatTemplateError) -> String {
        var name = try name()
        while skip(.dot) { name += "." + (try self.name()) }
        return name
    }

    private mutating func arguments() throws(ChatTemplateError) -> Expression.Arguments {
        var arguments = Expression.Arguments()
        try expect(.leftParenthesis)
        var isFirst = true
        while !skip(.rightParenthesis) {
            if !isFirst {
                try expect(.comma)
                if skip(.rightParenthesis) { break }
            }
            isFirst = false
            if skip(.multiply) {
                guard arguments.spread == nil, arguments.namedSpread == nil else { throw invalidCall }
                arguments.spread = try expression()
            } else if skip(.power) {
                guard arguments.namedSpread == nil else { throw invalidCall }
                arguments.namedSpread = try expression()
            } else if case .name(let name) = current.kind, next.kind == .symbol(.assign) {
                guard arguments.namedSpread == nil else { throw invalidCall }
                advance()
                advance()
                arguments.named.append((name, try expression()))
            } else {
                guard arguments.spread == nil, arguments.namedSpread == nil, arguments.named.isEmpty else {
                    throw invalidCall
                }
                arguments.positional.append(try expression())
            }
        }
        return arguments
    }

    private var invalidCall: ChatTemplateError { failure("the arguments of a call are in the wrong order") }
}
