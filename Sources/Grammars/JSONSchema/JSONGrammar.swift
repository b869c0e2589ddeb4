package import JSON

/// Grammars that make a model write JSON.
///
/// White space between parts is kept short, because a model that may write any amount of it can go on forever.
package enum JSONGrammar {
    /// Any JSON object.
    package static var object: String {
        var rules = GrammarRules()
        rules.set("root", JSONPrimitive.object.add(to: &rules))
        return rules.text
    }

    /// The JSON values that a schema allows, or a part of them: members come in the order of the schema, and others than those
    /// named only where the schema asks for them.
    ///
    /// - Throws: ``JSONSchemaError`` if the schema demands what a grammar cannot express; it names the keyword and where it stands.
    package static func matching(schema: JSONValue) throws(JSONSchemaError) -> String {
        var converter = JSONSchemaConverter(document: schema)
        let body = try converter.convertDocument(name: "root-value")
        converter.rules.set("root", body)
        return converter.rules.text
    }
}

/// The building blocks of JSON, each a rule that is added to a grammar with those it needs.
enum JSONPrimitive: String {
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

    /// Adds the rule if it is not there, and returns its name.
    func add(to rules: inout GrammarRules) -> String {
        guard !rules.contains(rawValue) else { return rawValue }
        rules.set(rawValue, body)
        for needed in needs { _ = needed.add(to: &rules) }
        return rawValue
    }

    private var body: String {
        switch self {
        case .space: #"| " " | "\n" [ \t]{0,20}"#
        case .null: #""null""#
        case .boolean: #""true" | "false""#
        case .string: #""\"" char* "\"""#
        case .character: #"[^"\\\x7F\x00-\x1F] | [\\] (["\\/bfnrt] | "u" [0-9a-fA-F]{4})"#
        case .number: #""-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?"#
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
