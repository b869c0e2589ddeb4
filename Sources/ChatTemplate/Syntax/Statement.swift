/// A statement of a template, with the line where it begins.
struct Statement: Sendable {
    let line: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case text(String)
        case print(Expression)
        /// Pairs of condition and body in order, then the body of `else`.
        case conditional([(condition: Expression, body: [Statement])], otherwise: [Statement])
        case loop(Loop)
        case assign(Target, Expression)
        /// `{% set name | filter %}…{% endset %}`
        case assignBlock(Target, filter: Expression?, body: [Statement])
        case macro(Macro)
        /// `{% call(parameters) function(arguments) %}…{% endcall %}`
        case callBlock(call: Expression, caller: Macro)
        case filterBlock(Expression, body: [Statement])
        case with([(target: Target, value: Expression)], body: [Statement])
        /// A body with variables of its own, such as that of `{% generation %}`.
        case scope([Statement])
        case breakLoop
        case continueLoop
        /// A tag that needs what chat templates never have, such as other templates; fails when it is reached.
        case forbidden(String)
    }

    struct Loop: Sendable {
        let target: Target
        let iterable: Expression
        let filter: Expression?
        let isRecursive: Bool
        let body: [Statement]
        let otherwise: [Statement]
    }

    struct Macro: Sendable {
        let name: String
        let parameters: [(name: String, defaultValue: Expression?)]
        let body: [Statement]
        /// Which of `varargs`, `kwargs` and `caller` the body mentions; only those are accepted in a call.
        let mentions: Set<String>
    }

    /// Where a value is stored.
    indirect enum Target: Sendable {
        case name(String)
        /// `namespace.attribute`
        case namespaceAttribute(String, String)
        case tuple([Target])
    }
}
