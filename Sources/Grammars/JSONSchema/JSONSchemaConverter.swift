import JSON
import OrderedCollections

/// Makes grammar rules of a JSON schema (draft 2020-12 and the common parts of its predecessors).
///
/// A keyword is honoured or refused, never ignored; only annotations are passed over.
struct JSONSchemaConverter {
    /// The schema as a whole, in which references are looked up.
    let document: JSONValue
    var rules = GrammarRules()
    /// The rule of each reference that was met, so that schemas may refer to themselves.
    private var references: [String: String] = [:]
    /// References that were followed since the last bracket, which must not lead back to themselves.
    private var openReferences: [String] = []
    /// How many schemas are being converted inside of each other, and how many were at all.
    private var depth = 0
    private var conversionCount = 0

    /// Schemas that contain or refer to each other deeper than this lead back to themselves, or might as well.
    private static let maximumDepth = 200
    /// The most schemas that are looked at, counted once for every place where they apply.
    private static let maximumConversions = 20_000
    /// The most bytes that a schema may have as compact JSON.
    private static let maximumBytes = 256 << 10

    init(document: JSONValue) { self.document = document }

    /// Keywords that say nothing about which values are valid.
    static let annotations: Set<String> = [
        "title", "description", "default", "examples", "example", "$comment", "$schema", "$id", "id",
        "$defs",
        "definitions", "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding",
    ]

    /// The keywords that belong to one type, so that they say nothing about others.
    static let keywordsOfTypes: [String: Set<String>] = [
        "object": ["properties", "required", "additionalProperties"],
        "array": ["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "additionalItems"],
        "string": ["minLength", "maxLength", "pattern", "format"],
        "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
        "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
        "boolean": [], "null": [],
    ]

    private static let combinators: Set<String> = [
        "$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type",
    ]

    /// The body of a rule for the values that a schema allows.
    ///
    /// - Parameters:
    ///   - path: Where the schema stands in the document.
    ///   - name: What rules made for it are called after.
    mutating func convert(_ schema: JSONValue, at path: String, name: String) throws(JSONSchemaError)
        -> String
    {
        depth += 1
        defer { depth -= 1 }
        guard depth <= JSONSchemaConverter.maximumDepth else {
            throw JSONSchemaError(
                code: .tooLarge, keyword: "$ref", path: path,
                message: "nests schemas too deep, or leads back to itself"
            )
        }
        conversionCount += 1
        try checkSize(at: path)
        switch schema {
        case .bool(true): return JSONPrimitive.value.add(to: &rules)
        case .bool(false):
            throw JSONSchemaError(
                code: .invalid, keyword: "false", path: path, message: "allows no value at all")
        case .object: break
        default:
            throw JSONSchemaError(
                code: .invalid, keyword: name, path: path,
                message: "must be a schema (an object), and is \(schema.kind)")
        }
        try refuseUnknownKeywords(schema, at: path)
        if let body = try convertCombinators(schema, at: path, name: name) { return body }
        if let value = schema["const"] { return try constant(value, schema, at: path) }
        if let values = schema["enum"] { return try enumeration(values, schema, at: path) }
        let types = try self.types(of: schema, at: path)
        var bodies: [String] = []
        for type in types { bodies.append(try convert(schema, type: type, at: path, name: name)) }
        return GrammarRules.alternatives(bodies)
    }

    /// The body of the rule for the whole document.
    mutating func convertDocument(name: String) throws(JSONSchemaError) -> String {
        guard document.serialized().utf8.count <= JSONSchemaConverter.maximumBytes else {
            throw JSONSchemaError(
                code: .tooLarge, keyword: "schema", path: "#",
                message: "has more than \(JSONSchemaConverter.maximumBytes) bytes: use a smaller schema")
        }
        let body = try convert(document, at: "#", name: name)
        try checkSize(at: "#")
        return body
    }

    private func checkSize(at path: String) throws(JSONSchemaError) {
        guard !rules.isTooLarge, conversionCount <= JSONSchemaConverter.maximumConversions else {
            throw JSONSchemaError(
                code: .tooLarge, keyword: "schema", path: path,
                message:
                    "makes the grammar larger than \(GrammarRules.maximumBytes) bytes: use a smaller schema")
        }
    }

    /// As ``convert(_:at:name:)`` for a schema inside of an object or array, where references may begin anew.
    mutating func convertInside(_ schema: JSONValue, at path: String, name: String)
        throws(JSONSchemaError) -> String
    {
        let saved = openReferences
        openReferences = []
        defer { openReferences = saved }
        return try convert(schema, at: path, name: name)
    }

    private func refuseUnknownKeywords(_ schema: JSONValue, at path: String) throws(JSONSchemaError) {
        for keyword in schema.keys {
            let isKnown =
                JSONSchemaConverter.annotations.contains(keyword)
                || JSONSchemaConverter.combinators.contains(keyword)
                || JSONSchemaConverter.keywordsOfTypes.values.contains { $0.contains(keyword) }
                || keyword.hasPrefix("x-")
            guard isKnown else {
                throw JSONSchemaError(
                    code: .unsupported, keyword: keyword, path: path,
                    message: "is not supported in answers: leave it out")
            }
        }
    }

    private mutating func convert(
        _ schema: JSONValue, type: String, at path: String, name: String
    ) throws(JSONSchemaError) -> String {
        switch type {
        case "object": return try object(schema, at: path, name: name)
        case "array": return try array(schema, at: path, name: name)
        case "string": return try string(schema, at: path, name: name)
        case "number": return try number(schema, isInteger: false, at: path)
        case "integer": return try number(schema, isInteger: true, at: path)
        case "boolean": return JSONPrimitive.boolean.add(to: &rules)
        default: return JSONPrimitive.null.add(to: &rules)
        }
    }

    /// The types that a schema allows: those it names, those its keywords belong to, or all.
    func types(of schema: JSONValue, at path: String) throws(JSONSchemaError) -> [String] {
        let named: [String]
        switch schema["type"] {
        case nil:
            // Keywords without a type leave all other types free; who writes `properties` means an object, however.
            let implied = ["object", "array", "string", "number"].filter { type in
                JSONSchemaConverter.keywordsOfTypes[type]?.contains { schema[$0] != nil } ?? false
            }
            return implied.isEmpty ? ["object", "array", "string", "number", "boolean", "null"] : implied
        case .some(.string(let type)): named = [type]
        case .some(.array(let types)): named = types.compactMap(\.string)
        case .some: named = []
        }
        guard !named.isEmpty, named.allSatisfy({ JSONSchemaConverter.keywordsOfTypes[$0] != nil })
        else {
            throw JSONSchemaError(
                code: .invalid, keyword: "type", path: path,
                message: "must be one or more of object, array, string, number, integer, boolean and null")
        }
        return named
    }

    // MARK: - Constants

    private func constant(_ value: JSONValue, _ schema: JSONValue, at path: String)
        throws(JSONSchemaError) -> String
    {
        guard try allowsType(of: value, schema, at: path) else {
            throw JSONSchemaError(
                code: .invalid, keyword: "const", path: path,
                message: "is not of the type that is asked for")
        }
        try refuseLimits(beside: "const", in: schema, at: path)
        return GrammarRules.literal(value.serialized())
    }

    private func enumeration(
        _ values: JSONValue, _ schema: JSONValue, at path: String
    ) throws(JSONSchemaError) -> String {
        guard case .array(let all) = values else {
            throw JSONSchemaError(
                code: .invalid, keyword: "enum", path: path, message: "must be an array")
        }
        var literals: [String] = []
        for value in all where try allowsType(of: value, schema, at: path) {
            literals.append(GrammarRules.literal(value.serialized()))
        }
        guard !literals.isEmpty else {
            throw JSONSchemaError(
                code: .invalid, keyword: "enum", path: path,
                message: "has no value of the type that is asked for")
        }
        try refuseLimits(beside: "enum", in: schema, at: path)
        return GrammarRules.alternatives(literals)
    }

    /// Whether the schema's type, if it has one, is that of a value.
    private func allowsType(of value: JSONValue, _ schema: JSONValue, at path: String)
        throws(JSONSchemaError) -> Bool
    {
        guard schema["type"] != nil else { return true }
        let types = try types(of: schema, at: path)
        return switch value {
        case .null: types.contains("null")
        case .bool: types.contains("boolean")
        case .integer: types.contains("integer") || types.contains("number")
        case .number(let number):
            types.contains("number") || (types.contains("integer") && number == number.rounded())
        case .literal:
            types.contains("number")
                || (types.contains("integer") && value.double.map { $0 == $0.rounded() } == true)
        case .string: types.contains("string")
        case .array: types.contains("array")
        case .object: types.contains("object")
        }
    }

    /// Limits beside a list of values would have to be checked value by value.
    private func refuseLimits(beside keyword: String, in schema: JSONValue, at path: String)
        throws(JSONSchemaError)
    {
        let limits = JSONSchemaConverter.keywordsOfTypes.values.reduce(into: Set()) { $0.formUnion($1) }
        if let limit = schema.keys.first(where: limits.contains) {
            throw JSONSchemaError(
                code: .unsupported, keyword: limit, path: path,
                message: "is not supported beside '\(keyword)': leave it out")
        }
    }

    // MARK: - References

    /// The body for a reference, which is a rule of its own.
    mutating func reference(_ schema: JSONValue, at path: String) throws(JSONSchemaError) -> String {
        let pointer = try pointer(schema, at: path)
        guard !openReferences.contains(pointer) else {
            throw JSONSchemaError(
                code: .invalid, keyword: "$ref", path: path, message: "leads back to itself")
        }
        if let rule = references[pointer] { return rule }
        let target = try resolve(pointer, at: path)
        let name = rules.freeName(
            "ref-" + (pointer.split(separator: "/").last.map(String.init) ?? "root"))
        rules.set(name, "")
        references[pointer] = name
        openReferences.append(pointer)
        let body = try convert(target, at: pointer, name: name)
        openReferences.removeLast()
        return rules.set(name, body)
    }

    /// The schema without a reference in its place: the one that it refers to.
    func dereferenced(_ schema: JSONValue, at path: String) throws(JSONSchemaError) -> JSONValue {
        var schema = schema
        var seen: Set<String> = []
        while schema["$ref"] != nil {
            let pointer = try pointer(schema, at: path)
            guard seen.insert(pointer).inserted else {
                throw JSONSchemaError(
                    code: .invalid, keyword: "$ref", path: path, message: "leads back to itself")
            }
            var siblings = schema
            siblings["$ref"] = nil
            let target = try resolve(pointer, at: path)
            schema = hasConstraints(siblings) ? try merged(target, siblings, at: path) : target
        }
        return schema
    }

    private func pointer(_ schema: JSONValue, at path: String) throws(JSONSchemaError) -> String {
        guard let pointer = schema["$ref"]?.string, pointer == "#" || pointer.hasPrefix("#/") else {
            throw JSONSchemaError(
                code: .unsupported, keyword: "$ref", path: path,
                message: "can only refer to a part of the same schema (#/…)")
        }
        return pointer
    }

    private func resolve(_ pointer: String, at path: String) throws(JSONSchemaError) -> JSONValue {
        var value = document
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = part.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
                .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
            guard let next = value[key] ?? Int(key).flatMap({ value[$0] }) else {
                throw JSONSchemaError(
                    code: .invalid, keyword: "$ref", path: path,
                    message: "refers to '\(pointer)', which does not exist"
                )
            }
            value = next
        }
        return value
    }

    /// Whether a schema says anything about which values are valid.
    func hasConstraints(_ schema: JSONValue) -> Bool {
        schema.keys.contains { !JSONSchemaConverter.annotations.contains($0) && !$0.hasPrefix("x-") }
    }
}
