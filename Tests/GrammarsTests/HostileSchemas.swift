import JSON
import Testing

/// Schemas that would take a careless converter minutes or gigabytes.
enum HostileSchemas {
    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let schema: JSONValue
        /// Whether the schema may be refused; others have to become a grammar.
        var isRefused = true
    }

    static let all: [Example] = patterns + products + wide + deep

    static let patterns: [Example] = [
        Example(
            testDescription: "28 repetitions inside of each other",
            schema: pattern(String(repeating: "(", count: 28) + "a" + String(repeating: "){251,5000}", count: 28))),
        Example(
            testDescription: "repetitions that are optional, inside of each other",
            schema: pattern(String(repeating: "(", count: 28) + "ab?" + String(repeating: "){0,5000}", count: 28))),
        Example(
            testDescription: "a long group with long repetitions, inside of each other",
            schema: pattern(
                String(repeating: "(x[a-z]{7}y", count: 30) + String(repeating: "z){2,1001}", count: 30))),
        Example(testDescription: "what may be nothing, 200 times", schema: pattern("(a?b?c?d?){0,200}")),
        Example(testDescription: "what may be nothing, 200 times 200 times", schema: pattern("((a|b)?(ab)?){0,200}")),
        Example(testDescription: "runs of runs", schema: pattern("(a{1,900}){1,900}")),
        Example(testDescription: "10,000 brackets", schema: pattern(String(repeating: "(", count: 10_000))),
        Example(
            testDescription: "3,000 long repetitions", schema: pattern(String(repeating: "a{9999}", count: 3000))),
        Example(
            testDescription: "states that double with every character", schema: pattern("[ab]*a[ab]{500}"),
            isRefused: false),
        Example(
            testDescription: "40 patterns at once",
            schema: ["allOf": .array((2..<42).map { ["pattern": .string("^(?:[ab]{\($0)})*$")] })]),
        Example(
            testDescription: "a class of 60,000 ranges",
            schema: pattern(
                "["
                    + String(
                        String.UnicodeScalarView((0..<60_000).compactMap { Unicode.Scalar(0x10000 + 2 * UInt32($0)) }))
                    + "]*"), isRefused: false),
        Example(
            testDescription: "a pattern for 200 listed strings of 1,000 characters",
            schema: [
                "enum": .array((0..<200).map { .string(String(repeating: "a", count: 1000) + String($0)) }),
                "pattern": "^(a|aa|aaa){0,100}$",
            ]),
    ]

    static let products: [Example] = [
        Example(
            testDescription: "30 properties of 3,000 references to one enum of 3,000",
            schema: references(sameTarget: true)),
        Example(
            testDescription: "30 properties of 3,000 references to 3,000 enums", schema: references(sameTarget: false)),
        Example(
            testDescription: "allOf of 12 times 8 alternatives",
            schema: [
                "allOf": .array(
                    (0..<12).map { group in
                        ["anyOf": .array((0..<8).map { ["properties": ["p\(group)": ["const": .integer($0)]]] })]
                    })
            ]),
        Example(
            testDescription: "60 definitions that list the next one twice", schema: doubling("anyOf")),
        Example(testDescription: "60 definitions that ask for the next one twice", schema: doubling("allOf")),
        Example(
            testDescription: "40 definitions that consist of the next one twice",
            schema: [
                "$defs": .object(
                    (0..<40).map { index in
                        let next: JSONValue = ["$ref": .string("#/$defs/a\(index + 1)")]
                        return ("a\(index)", ["allOf": [next, next]])
                    } + [("a40", ["type": "object"])]), "$ref": "#/$defs/a0",
            ], isRefused: false),
        Example(
            testDescription: "300 merged objects of 300 properties",
            schema: [
                "allOf": .array(
                    (0..<300).map { part in
                        ["properties": .object((0..<30).map { ("p\($0 + part)", ["type": "integer"]) })]
                    })
            ]),
        Example(
            testDescription: "20,000 exclusive alternatives",
            schema: ["oneOf": .array((0..<20_000).map { ["const": .integer($0)] })]),
        Example(
            testDescription: "2,000 exclusive objects",
            schema: [
                "oneOf": .array(
                    (0..<2000).map {
                        ["type": "object", "properties": ["a": ["minimum": .integer($0)]], "required": ["a"]]
                    })
            ]),
        Example(
            testDescription: "an enum of 5,000 objects beside an enum of 5,000 objects",
            schema: [
                "allOf": [
                    ["enum": .array((0..<5000).map { ["a": .integer($0)] })],
                    ["enum": .array((0..<5000).map { ["a": .integer(4999 - $0)] })],
                ]
            ], isRefused: false),
    ]

    static let wide: [Example] = [
        Example(
            testDescription: "5,000 properties",
            schema: [
                "type": "object", "properties": .object((0..<5000).map { ("property\($0)", ["type": "string"]) }),
            ]),
        Example(
            testDescription: "1,500 properties of which 700 have to be there",
            schema: [
                "type": "object", "minProperties": 700,
                "properties": .object((0..<1500).map { ("property\($0)", ["type": "string"]) }),
            ]),
        Example(
            testDescription: "3,000 properties beside others",
            schema: [
                "type": "object", "properties": .object((0..<3000).map { ("\($0)-property", ["type": "string"]) }),
                "additionalProperties": true,
            ]),
        Example(
            testDescription: "a name of 100 KB beside others",
            schema: [
                "type": "object", "properties": [String(repeating: "k", count: 100_000): true],
                "additionalProperties": true,
            ]),
        Example(
            testDescription: "a name of 100 KB around 10,000 schemas",
            schema: [
                "type": "object",
                "properties": [
                    String(repeating: "k", count: 100_000): [
                        "anyOf": .array((0..<9_000).map { ["minLength": .integer($0)] })
                    ]
                ],
            ]),
        Example(
            testDescription: "2,000 references with a name of 50 KB",
            schema: [
                "$defs": ["a": ["properties": [String(repeating: "k", count: 50_000): ["type": "string"]]]],
                "properties": .object((0..<2000).map { ("p\($0)", ["$ref": "#/$defs/a", "minProperties": 1]) }),
            ]),
        Example(
            testDescription: "an enum of 25,000 numbers", schema: ["enum": .array((0..<25_000).map { .integer($0) })],
            isRefused: false),
        Example(
            testDescription: "9,000 long strings in a tuple",
            schema: [
                "type": "array",
                "prefixItems": .array(Array(repeating: ["type": "string", "maxLength": 1000], count: 6000)),
                "minItems": 6000,
            ]),
        Example(
            testDescription: "3,000 long strings",
            schema: [
                "type": "object",
                "properties": .object(
                    (0..<3000).map {
                        ("p\($0)", ["type": "string", "maxLength": .integer(900 + $0 % 100)])
                    }),
            ]),
        Example(
            testDescription: "a number of 200,000 digits",
            schema: ["type": "integer", "minimum": .literal(String(repeating: "9", count: 200_000))]),
        Example(
            testDescription: "an unknown keyword of 200 KB", schema: [String(repeating: "k", count: 200_000): 1]),
        Example(
            testDescription: "a pointer of 100,000 steps",
            schema: ["$ref": .string("#" + String(repeating: "/a", count: 100_000))]),
        Example(
            testDescription: "more than 256 KB", schema: ["title": .string(String(repeating: "x", count: 300_000))]),
    ]

    static let deep: [Example] = {
        var chain: [(String, JSONValue)] = []
        for index in 0..<5000 {
            chain.append(("a\(index)", ["properties": ["x": ["$ref": .string("#/$defs/a\(index + 1)")]]]))
        }
        chain.append(("a5000", ["type": "null"]))
        var links: [(String, JSONValue)] = (0..<5000).map { ("a\($0)", ["$ref": .string("#/$defs/a\($0 + 1)")]) }
        links.append(("a5000", true))
        var nested: JSONValue = true
        for _ in 0..<1000 { nested = ["items": nested] }
        var all: JSONValue = ["type": "string"]
        for _ in 0..<1000 { all = ["allOf": [all]] }
        return [
            Example(
                testDescription: "itself or an object",
                schema: ["type": "object", "anyOf": [["$ref": "#"], ["type": "object"]]]),
            Example(testDescription: "itself and an object", schema: ["allOf": [["$ref": "#"], ["type": "object"]]]),
            Example(
                testDescription: "an object that has to contain itself",
                schema: ["type": "object", "properties": ["a": ["$ref": "#"]], "required": ["a"]]),
            Example(
                testDescription: "5,000 definitions inside of each other",
                schema: ["$defs": .object(chain), "$ref": "#/$defs/a0"]),
            Example(
                testDescription: "5,000 definitions that are the next one",
                schema: ["$defs": .object(links), "$ref": "#/$defs/a0"]),
            Example(testDescription: "1,000 arrays inside of each other", schema: nested, isRefused: false),
            Example(testDescription: "1,000 allOf inside of each other", schema: all),
        ]
    }()

    private static func pattern(_ text: String) -> JSONValue { ["type": "string", "pattern": .string("^\(text)$")] }

    private static func references(sameTarget: Bool) -> JSONValue {
        let count = sameTarget ? 3000 : 300
        let values: JSONValue = .array((0..<count).map { .integer($0) })
        var definitions: [(String, JSONValue)] = [
            (
                "A",
                ["allOf": .array((0..<count).map { ["$ref": .string("#/$defs/\(sameTarget ? "E" : "E\($0 % 150)")")] })]
            )
        ]
        if sameTarget {
            definitions.append(("E", ["enum": values]))
        } else {
            definitions += (0..<150).map { ("E\($0)", ["enum": values]) }
        }
        return [
            "$defs": .object(definitions), "type": "object",
            "properties": .object((0..<30).map { ("p\($0)", ["$ref": "#/$defs/A", "type": "integer"]) }),
        ]
    }

    private static func doubling(_ keyword: String) -> JSONValue {
        var chain: [(String, JSONValue)] = []
        for index in 0..<60 {
            let next: JSONValue = ["$ref": .string("#/$defs/a\(index + 1)")]
            chain.append(
                ("a\(index)", ["type": "object", "minProperties": .integer(index % 2), keyword: [next, next]]))
        }
        chain.append(("a60", ["type": "object"]))
        return ["$defs": .object(chain), "$ref": "#/$defs/a0"]
    }
}
