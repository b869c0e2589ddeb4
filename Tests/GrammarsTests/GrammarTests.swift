import Foundation
import JSON
import ShoalTestSupport
import Testing

@testable import Grammars

@Suite("Grammars of JSON schemas")
struct GrammarTests {
    /// A schema with texts that its grammar accepts, and others.
    struct Case: Sendable, CustomTestStringConvertible {
        let schema: String
        let accepted: [String]
        let refused: [String]
        var testDescription: String { schema }

        init(_ schema: String, accepts accepted: [String], refuses refused: [String]) {
            self.schema = schema
            self.accepted = accepted
            self.refused = refused
        }
    }

    @Test("Any JSON object")
    func anyObject() throws {
        let matcher = try GrammarMatcher(JSONGrammar.object)
        for text in [
            "{}", "{ }", #"{"a":1}"#, #"{"a": [1, -2.5e3, null, true], "b": {"c": "é\n\u00e9"}}"#, "{\n  \"a\": []\n}",
        ] {
            #expect(matcher.accepts(text), "\(text)")
        }
        for text in ["", "[]", "1", "{a:1}", #"{"a":01}"#, #"{"a":1,}"#, "{\"a\":\"\n\"}", #"{"a":1}x"#, "{    }"] {
            #expect(!matcher.accepts(text), "\(text)")
        }
    }

    @Test("A schema's grammar accepts what the schema allows and refuses the rest", arguments: cases + SchemaCases.all)
    func schema(_ example: Case) throws {
        let matcher = try GrammarMatcher(JSONGrammar.matching(schema: JSONValue(parsing: example.schema)))
        for text in example.accepted {
            #expect(matcher.accepts(text), "\(text)")
            #expect(throws: Never.self) { try JSONValue(parsing: text) }
        }
        for text in example.refused { #expect(!matcher.accepts(text), "\(text)") }
    }

    @Test("Ranges of integers hold exactly the integers between the limits", arguments: 0..<40)
    func ranges(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let ends = [Int.random(in: -1200...1200, using: &random), Int.random(in: -1200...1200, using: &random)].sorted()
        let matcher = try GrammarMatcher(
            JSONGrammar.matching(schema: [
                "type": "integer", "minimum": .integer(ends[0]), "maximum": .integer(ends[1]),
            ]))
        for value in [
            -1300, ends[0] - 1, ends[0], ends[0] + 1, -100, -99, -10, -9, -1, 0, 1, 9, 10, 11, 99, 100, 999, 1000,
            ends[1] - 1, ends[1], ends[1] + 1, 1300,
        ] {
            #expect(matcher.accepts(String(value)) == (ends[0]...ends[1]).contains(value), "\(value) in \(ends)")
        }
        #expect(!matcher.accepts("-0"))
        #expect(!matcher.accepts("1.0"))
    }

    @Test(
        "What a grammar cannot promise is refused by keyword and place",
        arguments: [
            (
                #"{"type":"object","properties":{"a":{"type":"array","uniqueItems":true}}}"#, "uniqueItems",
                "#/properties/a"
            ),
            (#"{"not":{"type":"string"}}"#, "not", "#"), (#"{"type":"string","format":"regex"}"#, "format", "#"),
            (#"{"type":"string","pattern":"(?=a)b"}"#, "pattern", "#"),
            (#"{"type":"string","pattern":"^(a?b?c?d?){0,200}$"}"#, "pattern", "#"),
            (#"{"type":"string","pattern":"^(a{1,900}){1,900}$"}"#, "pattern", "#"),
            (#"{"properties":{"a/b":{"items":{"pattern":"\\bx"}}}}"#, "pattern", "#/properties/a~1b/items"),
            (#"{"type":"string","pattern":"^([a-z]{1,99}-){1,99}$","maxLength":500}"#, "pattern", "#"),
            (#"{"type":"string","format":"uuid","minLength":40}"#, "format", "#"),
            (#"{"type":"number","multipleOf":0.5}"#, "multipleOf", "#"),
            (#"{"type":"integer","multipleOf":77}"#, "multipleOf", "#"),
            (#"{"type":"integer","multipleOf":0}"#, "multipleOf", "#"),
            (#"{"type":"number","minimum":1e300}"#, "minimum", "#"),
            (#"{"type":"integer","minimum":0.2,"maximum":0.8}"#, "maximum", "#"),
            (#"{"type":"object","dependentRequired":{"a":["b"]}}"#, "dependentRequired", "#"),
            (#"{"if":{"type":"string"},"then":false}"#, "if", "#"),
            (#"{"type":"object","additionalProperties":true,"minProperties":2}"#, "minProperties", "#"),
            (
                #"{"type":"object","patternProperties":{"a":{},"b":{}},"additionalProperties":false}"#,
                "patternProperties", "#"
            ),
            (
                #"{"type":"object","properties":{"ab":{}},"patternProperties":{"^a":{}}}"#, "patternProperties", "#"
            ),
            (
                #"{"type":"object","properties":{"a":{}},"propertyNames":{"pattern":"x"},"additionalProperties":{}}"#,
                "propertyNames", "#"
            ),
            (
                #"{"discriminator":{"propertyName":"k"},"oneOf":[{"properties":{"k":{"const":1}}},{"properties":{"j":{"const":2}}}]}"#,
                "discriminator", "#"
            ),
            (#"{"type":"string","enum":["x"],"format":"email"}"#, "format", "#"),
            (##"{"$ref":"#/$defs/a%zz","$defs":{}}"##, "$ref", "#"), (##"{"$ref":"#nowhere"}"##, "$ref", "#"),
            (##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##, "$ref", "#"),
            (#"{"type":"object","required":["a"],"additionalProperties":false}"#, "required", "#"),
            (#"{"type":"array","contains":{}}"#, "contains", "#"),
            (#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "oneOf", "#"),
            (
                #"{"oneOf":[{"type":"object","properties":{"k":{"const":1}}},{"type":"object","properties":{"k":{"enum":[2,1.0]}}}]}"#,
                "oneOf", "#"
            ),
            (#"{"oneOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]}]}"#, "oneOf", "#"),
            (#"{"oneOf":[{"enum":[1,"x"]},{"type":"string"}]}"#, "oneOf", "#"),
            (#"{"type":"objekt"}"#, "type", "#"), (#"{"$ref":"https://example.org/schema"}"#, "$ref", "#"),
            (##"{"$ref":"#/$defs/missing"}"##, "$ref", "#"), (##"{"$ref":"#"}"##, "$ref", "#"),
            (##"{"anyOf":[{"$ref":"#"},{"type":"null"}]}"##, "$ref", "#/anyOf/0"),
            (#"{"type":"string","minLength":3,"maxLength":2}"#, "maxLength", "#"),
            (#"{"type":"string","maxLength":9999999}"#, "maxLength", "#"),
            (#"{"enum":[1,2],"minimum":3}"#, "enum", "#"),
            (#"{"type":"integer","minimum":5,"maximum":4}"#, "maximum", "#"), (#"{"enum":[]}"#, "enum", "#"),
        ])
    func refusal(schema: String, keyword: String, path: String) throws {
        let schema = try JSONValue(parsing: schema)
        let error = #expect(throws: JSONSchemaError.self) { try JSONGrammar.matching(schema: schema) }
        #expect(error?.keyword == keyword)
        #expect(error?.path == path)
    }

    @Test("A schema that makes a huge grammar is refused")
    func hugeGrammar() throws {
        var definitions: [(String, JSONValue)] = []
        for index in 0..<3000 {
            definitions.append(
                (
                    "p\(index)",
                    ["type": "object", "properties": ["a-long-name-\(index)": ["type": "string", "maxLength": 900]]]
                ))
        }
        let schema: JSONValue = ["type": "object", "properties": .object(definitions)]
        let error = #expect(throws: JSONSchemaError.self) { try JSONGrammar.matching(schema: schema) }
        #expect(error?.code == .tooLarge)
    }

    static let cases = [
        Case("true", accepts: ["1", "[]", #""x""#], refuses: ["", "x"]),
        Case(#"{"type":"boolean"}"#, accepts: ["true", "false"], refuses: ["True", "null", ""]),
        Case(
            #"{"type":["string","null"]}"#, accepts: ["null", #""""#, #""a\"b""#],
            refuses: ["1", "\"a\"b\"", "\"a\nb\""]),
        Case(
            #"{"enum":["a",1,null,{"b":[2]}]}"#, accepts: [#""a""#, "1", "null", #"{"b":[2]}"#],
            refuses: [#""b""#, "2"]),
        Case(#"{"type":"string","enum":["a",1]}"#, accepts: [#""a""#], refuses: ["1"]),
        Case(#"{"const":"x\"y"}"#, accepts: [#""x\"y""#], refuses: [#""x""#]),
        Case(
            #"{"type":"string","minLength":2,"maxLength":3}"#, accepts: [#""ab""#, #""\n\u00e9x""#],
            refuses: [#""a""#, #""abcd""#]),
        Case(
            #"{"type":"string","maxLength":3000}"#,
            accepts: [
                #""""#, "\"\(String(repeating: "x", count: 2999))\"", "\"\(String(repeating: "x", count: 3000))\"",
            ],
            refuses: ["\"\(String(repeating: "x", count: 3001))\""]),
        Case(
            #"{"type":"string","minLength":2600}"#, accepts: ["\"\(String(repeating: "x", count: 2600))\""],
            refuses: ["\"\(String(repeating: "x", count: 2599))\""]),
        Case(
            #"{"type":"string","pattern":"^[A-Z]{2}-\\d+(a|b)?$"}"#, accepts: [#""AB-1""#, #""AB-12b""#],
            refuses: [#""AB-""#, #""aB-1""#, #""AB-1c""#]),
        Case(#"{"type":"string","pattern":"b+"}"#, accepts: [#""abbc""#, #""b""#], refuses: [#""ac""#, #""""#]),
        Case(
            #"{"type":"string","pattern":"^\"[^a]\\.$"}"#, accepts: [#""\"b.""#],
            refuses: [#""\"a.""#, #""b.""#, "\"\"\"b.\""]),
        Case(
            #"{"type":"string","format":"date"}"#, accepts: [#""2024-02-28""#, #""1999-12-31""#],
            refuses: [#""2024-13-01""#, #""2024-04-31""#, #""24-01-01""#]),
        Case(
            #"{"type":"string","format":"date-time"}"#,
            accepts: [#""2024-01-31T23:59:59.5Z""#, #""2024-01-31T00:00:00+02:00""#],
            refuses: [#""2024-01-31""#, #""2024-01-31T24:00:00Z""#]),
        Case(
            #"{"type":"string","format":"uuid"}"#, accepts: [#""123e4567-e89b-12d3-a456-426614174000""#],
            refuses: [#""123e4567e89b12d3a456426614174000""#]),
        Case(#"{"type":"integer"}"#, accepts: ["0", "-12", "123"], refuses: ["1.5", "01", "+1", "-"]),
        Case(#"{"type":"integer","minimum":8}"#, accepts: ["8", "9", "10", "123456"], refuses: ["7", "-9", "08"]),
        Case(#"{"type":"integer","exclusiveMaximum":0}"#, accepts: ["-1", "-100"], refuses: ["0", "1", "-0"]),
        Case(
            #"{"type":"number","minimum":0,"maximum":1}"#, accepts: ["0", "0.5", "1", "1.0", "0.0"],
            refuses: ["1.1", "-0.1", "2", "10"]),
        Case(#"{"type":"number","exclusiveMinimum":0}"#, accepts: ["0.1", "1", "25.5"], refuses: ["0", "0.0", "-1"]),
        Case(
            #"{"type":"number","minimum":-2,"exclusiveMaximum":3}"#, accepts: ["-2", "-1.5", "-0.5", "0", "2.9"],
            refuses: ["3", "-2.1", "-3", "3.0"]),
        Case(
            #"{"type":"array","items":{"type":"integer"}}"#, accepts: ["[]", "[1]", "[1, 2,3]"],
            refuses: ["[1,]", "[true]"]),
        Case(
            #"{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2}"#,
            accepts: ["[true]", "[true,false]"],
            refuses: ["[]", "[true,true,true]"]),
        Case(#"{"type":"array","maxItems":0}"#, accepts: ["[]"], refuses: ["[1]"]),
        Case(
            #"{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"minItems":2,"maxItems":2}"#,
            accepts: [#"[1,"a"]"#], refuses: ["[1]", #"["a",1]"#, #"[1,"a",2]"#]),
        Case(
            #"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"null"}},"required":["b"]}"#,
            accepts: [#"{"b":""}"#, #"{"a":1,"b":"x"}"#, #"{"b":"x","c":null}"#, #"{ "a": 1, "b": "x", "c": null }"#],
            refuses: [
                "{}", #"{"a":1}"#, #"{"b":"x","a":1}"#, #"{"b":"x","d":1}"#, #"{"b":1}"#, #"{,"b":""}"#, #"{"b":"",}"#,
            ]),
        Case(
            #"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}}}"#,
            accepts: ["{}", "{ }", #"{"a":1}"#, #"{"b":1}"#, #"{"a":1,"b":2}"#],
            refuses: [#"{"a":1"b":2}"#, #"{"a":1,}"#]),
        Case(
            #"{"type":"object","properties":{"ab":{"type":"integer"}},"additionalProperties":{"type":"string"}}"#,
            accepts: ["{}", #"{"ab":1}"#, #"{"ab":1,"x":"y","a":"z"}"#, #"{"abc":"y"}"#, #"{"":"y"}"#],
            refuses: [#"{"ab":"x"}"#, #"{"x":1}"#, #"{"x":"y","ab":1}"#]),
        Case(
            #"{"type":"object","additionalProperties":{"type":"integer"}}"#, accepts: ["{}", #"{"a":1,"b":2}"#],
            refuses: [#"{"a":"b"}"#]),
        Case(#"{"type":"object","additionalProperties":false}"#, accepts: ["{}"], refuses: [#"{"a":1}"#]),
        Case(#"{"type":"object"}"#, accepts: ["{}", #"{"a":[1]}"#], refuses: ["[]"]),
        Case(#"{"type":"object","required":["z"]}"#, accepts: [#"{"z":[1]}"#], refuses: ["{}"]),
        Case(
            #"{"anyOf":[{"type":"integer"},{"type":"boolean"}],"description":"x"}"#, accepts: ["1", "true"],
            refuses: [#""x""#]),
        Case(
            #"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"anyOf":[{"properties":{"b":{"type":"null"}},"required":["b"]},{"properties":{"c":{"type":"null"}},"required":["c"]}]}"#,
            accepts: [#"{"a":1,"b":null}"#, #"{"a":1,"c":null}"#],
            refuses: [#"{"a":1}"#, #"{"a":1,"b":null,"c":null}"#]),
        Case(
            #"{"oneOf":[{"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},{"type":"object","properties":{"kind":{"const":"b"}},"required":["kind"]}]}"#,
            accepts: [#"{"kind":"a","x":1}"#, #"{"kind":"b"}"#], refuses: [#"{"kind":"a"}"#, #"{"kind":"c"}"#]),
        Case(
            #"{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"integer"}},"required":["b"]}]}"#,
            accepts: [#"{"a":1,"b":2}"#], refuses: [#"{"a":1}"#]),
        Case(
            ##"{"$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value","next"]}},"$ref":"#/$defs/node"}"##,
            accepts: [#"{"value":1,"next":null}"#, #"{"value":1,"next":{"value":2,"next":null}}"#],
            refuses: [#"{"value":1}"#, #"{"value":1,"next":2}"#]),
        Case(
            ##"{"type":"object","properties":{"self":{"$ref":"#"}}}"##, accepts: ["{}", #"{"self":{"self":{}}}"#],
            refuses: [#"{"self":1}"#]),
        Case(
            ##"{"definitions":{"short":{"type":"string","maxLength":3}},"type":"object","properties":{"a":{"$ref":"#/definitions/short","minLength":2}},"required":["a"]}"##,
            accepts: [#"{"a":"ab"}"#], refuses: [#"{"a":"a"}"#, #"{"a":"abcd"}"#]),
    ]
}
