import JSON
import ShoalTestSupport

/// Makes schemas that are large, deep, wide and full of references, the same ones for the same seed.
struct HostileSchemaGenerator {
    private var random: SeededRandom
    /// Values that may still be made.
    private var left = 0
    private var definitions = 0

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func next() -> JSONValue {
        left = [200, 2000, 8000].randomElement(using: &random) ?? 0
        definitions = Int.random(in: 1...40, using: &random)
        var entries: [(String, JSONValue)] = []
        for index in 0..<definitions {
            entries.append(("d\(index)", schema(depth: Int.random(in: 1...6, using: &random))))
        }
        var root = schema(depth: 8)
        if root.object == nil { root = [:] }
        root["$defs"] = .object(entries)
        return root
    }

    private mutating func isLikely(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func count() -> Int {
        [0, 1, 2, 3, 8, 40, 300].randomElement(using: &random) ?? 0
    }

    private mutating func number() -> JSONValue {
        let large = String(repeating: "9", count: Int.random(in: 1...40, using: &random))
        return [
            .integer(Int.random(in: -1000...1000, using: &random)),
            .number(Double.random(in: -10...10, using: &random)),
            .literal(large), .literal("-0.\(large)1"), .literal("1e\(large.prefix(3))"), .integer(.max), .integer(.min),
        ].randomElement(using: &random) ?? 0
    }

    private mutating func schemas(depth: Int) -> JSONValue {
        var list: [JSONValue] = []
        for _ in 0..<count() where left > 0 { list.append(schema(depth: depth - 1)) }
        return .array(list)
    }

    private mutating func schema(depth: Int) -> JSONValue {
        left -= 1
        guard left > 0, depth > 0 else { return isLikely(50) ? ["type": "null"] : reference() }
        var schema: JSONValue = [:]
        if isLikely(50) {
            schema["type"] = ["object", "array", "string", "integer", "number", ["null", "object"]]
                .randomElement(using: &random)
        }
        if isLikely(15) { schema["$ref"] = reference()["$ref"] }
        for keyword in ["allOf", "anyOf", "oneOf"] where isLikely(20) { schema[keyword] = schemas(depth: depth) }
        if isLikely(30) { addMembers(to: &schema, depth: depth) }
        if isLikely(15) { schema["items"] = self.schema(depth: depth - 1) }
        if isLikely(10) { schema["prefixItems"] = schemas(depth: depth) }
        for keyword in ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"]
        where isLikely(8) {
            schema[keyword] = .integer([0, 1, 5, 300, 100_000].randomElement(using: &random) ?? 0)
        }
        for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] where isLikely(8) {
            schema[keyword] = number()
        }
        if isLikely(15) { schema["pattern"] = .string("^" + pattern(depth: 6) + "$") }
        if isLikely(10) {
            schema["format"] = ["email", "uri", "date-time", "ipv6", "uuid"].randomElement(using: &random)
        }
        if isLikely(10) { schema["enum"] = .array((0..<count()).map { .string("v\($0)") }) }
        return schema
    }

    private mutating func addMembers(to schema: inout JSONValue, depth: Int) {
        var members: [(String, JSONValue)] = []
        for index in 0..<count() where left > 0 { members.append(("member-\(index)", self.schema(depth: depth - 1))) }
        schema["properties"] = .object(members)
        if isLikely(40) { schema["required"] = .array(members.prefix(20).map { .string($0.0) }) }
        if isLikely(40) { schema["additionalProperties"] = isLikely(50) ? false : self.schema(depth: depth - 1) }
        if isLikely(10) { schema["propertyNames"] = ["pattern": .string(pattern(depth: 3))] }
        if isLikely(10) { schema["patternProperties"] = .object([(pattern(depth: 3), self.schema(depth: depth - 1))]) }
    }

    private mutating func reference() -> JSONValue {
        ["$ref": .string("#/$defs/d\(Int.random(in: 0..<definitions, using: &random))")]
    }

    private mutating func pattern(depth: Int) -> String {
        guard depth > 0 else {
            return ["a", "b", "[a-c]", ".", "\\d", "\\w", "[^x]"].randomElement(using: &random) ?? "a"
        }
        let (one, other) = (pattern(depth: depth - 1), isLikely(60) ? pattern(depth: depth - 1) : "c")
        let ends = ["", "?", "*", "+", "{2,5}", "{0,300}", "{251,5000}", "{3}"]
        let end = ends.randomElement(using: &random) ?? ""
        return isLikely(50) ? "(\(one)\(other))\(end)" : "(\(one)|\(other))\(end)"
    }
}
