/// The building blocks of JSON, each a rule that is added to a grammar with those it needs.
enum JSONPrimitive: String, CaseIterable {
    /// Optional white space.
    case space
    case null
    case boolean
    case string
    /// One character of a string.
    case character = "char"
    case number
    case integer
    case array
    case object
    case value

    /// Names that no other rule may have.
    static let names = Set(allCases.map(\.rawValue))

    /// Adds the rule if it is not there, and returns its name.
    func add(to rules: inout GrammarRules) -> String {
        guard !rules.contains(rawValue) else { return rawValue }
        rules.set(rawValue, body)
        for needed in needs { _ = needed.add(to: &rules) }
        return rawValue
    }

    /// The rule, which is added if it is not there.
    func rule(in rules: inout GrammarRules) -> GrammarExpression {
        let name = add(to: &rules)
        return rules.index(of: name).map { .rule($0) } ?? .never
    }

    private var body: String {
        switch self {
        case .space: #"| " " | "\n" [ \t]{0,20}"#
        case .null: #""null""#
        case .boolean: #""true" | "false""#
        case .string: #""\"" char* "\"""#
        // Halves of surrogate pairs come together or not at all.
        case .character:
            #"[^"\\\x7F\x00-\x1F] | [\\] (["\\/bfnrt] | "u" ([0-9a-cA-Ce-fE-F] [0-9a-fA-F]{3} | [dD] ("#
                + #"[0-7] [0-9a-fA-F]{2} | [89abAB] [0-9a-fA-F]{2} "\\u" [dD] [c-fC-F] [0-9a-fA-F]{2})))"#
        // Exponents of three digits would leave 64-bit floating point.
        case .number: #""-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?"#
        case .integer: #""-"? ("0" | [1-9] [0-9]{0,15})"#
        case .array: #""[" space (value (space "," space value)* space)? "]""#
        case .object:
            #""{" space (string space ":" space value (space "," space string space ":" space value)* space)? "}""#
        case .value: "object | array | string | number | boolean | null"
        }
    }

    private var needs: [JSONPrimitive] {
        switch self {
        case .space, .null, .boolean, .character, .number, .integer: []
        case .string: [.character]
        case .array: [.space, .value]
        case .object: [.space, .string, .value]
        case .value: [.object, .array, .string, .number, .boolean, .null]
        }
    }
}
