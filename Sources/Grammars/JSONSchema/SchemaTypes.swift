/// Kinds of JSON values; numbers with a fraction are apart from integers, so that sets of kinds can be intersected.
struct SchemaTypes: OptionSet, Hashable {
    let rawValue: UInt8

    static let object = SchemaTypes(rawValue: 1)
    static let array = SchemaTypes(rawValue: 2)
    static let string = SchemaTypes(rawValue: 4)
    static let integer = SchemaTypes(rawValue: 8)
    static let fraction = SchemaTypes(rawValue: 16)
    static let boolean = SchemaTypes(rawValue: 32)
    static let null = SchemaTypes(rawValue: 64)
    static let number: SchemaTypes = [.integer, .fraction]
    static let all: SchemaTypes = [.object, .array, .string, .number, .boolean, .null]

    /// Kinds by the names that the keyword `type` gives them.
    static let named: [String: SchemaTypes] = [
        "object": .object, "array": .array, "string": .string, "integer": .integer, "number": .number,
        "boolean": .boolean, "null": .null,
    ]
}

/// What the converter knows about keywords.
enum SchemaKeywords {
    /// Keywords that say nothing about which values are valid.
    static let annotations: Set<String> = [
        "title", "description", "default", "examples", "example", "$comment", "$schema", "$id", "id", "$anchor",
        "$defs",
        "definitions", "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding", "contentSchema",
        "enumDescriptions", "markdownDescription", "enumNames", "markdownEnumDescriptions", "deprecationMessage",
        "externalDocs", "xml", "meta", "$vocabulary", "defaultSnippets", "errorMessage", "propertyOrdering",
    ]

    /// The keywords that belong to one kind of values, so that they say nothing about others.
    static let types: [String: SchemaTypes] = [
        "properties": .object, "required": .object, "additionalProperties": .object, "patternProperties": .object,
        "propertyNames": .object, "minProperties": .object, "maxProperties": .object,
        "items": .array, "prefixItems": .array, "minItems": .array, "maxItems": .array, "uniqueItems": .array,
        "additionalItems": .array,
        "minLength": .string, "maxLength": .string, "pattern": .string,
        "minimum": .number, "maximum": .number, "exclusiveMinimum": .number, "exclusiveMaximum": .number,
        "multipleOf": .number,
    ]

    static let combinators: Set<String> = [
        "$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type", "format", "nullable", "discriminator",
    ]

    static func isAnnotation(_ keyword: String) -> Bool {
        annotations.contains(keyword) || keyword.utf8.starts(with: [UInt8(ascii: "x"), UInt8(ascii: "-")])
    }
}
