/// An expression of a template, with the line where it begins.
struct Expression: Sendable {
    let line: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case literal(Literal)
        case name(String)
        /// `value.name`
        case attribute(Expression, String)
        /// `value[key]`
        case item(Expression, Expression)
        /// `value[from:to:step]`
        case slice(Expression, from: Expression?, to: Expression?, step: Expression?)
        case call(Expression, Arguments)
        /// `value|name(arguments)`; the value of a filter block's first filter is the block's text (`nil`).
        case filter(Expression?, String, Arguments)
        case test(Expression, String, Arguments)
        case not(Expression)
        case negative(Expression)
        case positive(Expression)
        case arithmetic(Arithmetic, Expression, Expression)
        case and(Expression, Expression)
        case or(Expression, Expression)
        /// A chain such as `a < b <= c`.
        case comparison(Expression, [(Comparison, Expression)])
        /// `a ~ b ~ c`
        case concatenation([Expression])
        /// `then if condition else otherwise`
        case conditional(condition: Expression, then: Expression, otherwise: Expression?)
        case list([Expression])
        case tuple([Expression])
        case dictionary([(key: Expression, value: Expression)])
    }

    enum Literal: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case float(Double)
        case string(String)
    }

    enum Arithmetic: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case floorDivide = "//"
        case modulo = "%"
        case power = "**"
    }

    enum Comparison: String, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case isIn = "in"
        case isNotIn = "not in"
    }

    /// The arguments of a call, a filter or a test.
    struct Arguments: Sendable {
        var positional: [Expression] = []
        var named: [(name: String, value: Expression)] = []
        /// `*values`
        var spread: Expression?
        /// `**values`
        var namedSpread: Expression?
    }
}
