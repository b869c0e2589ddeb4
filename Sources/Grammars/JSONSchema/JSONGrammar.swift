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
    /// named only where the schema asks for them; numbers within limits have no exponent and integers no fraction; strings that a
    /// pattern or format describes escape what they must and nothing else.
    ///
    /// Time and memory are bounded, whatever the schema.
    ///
    /// - Throws: ``JSONSchemaError`` if the schema demands what a grammar cannot express; it names the keyword and where it stands.
    package static func matching(schema: JSONValue) throws(JSONSchemaError) -> String {
        var converter = JSONSchemaConverter(document: schema)
        let root = converter.rules.reserve("root")
        converter.rules.set(root, try converter.convertDocument())
        return try converter.finished(root: root)
    }
}
