import JSON
import OrderedCollections

// `$ref`, `allOf`, `anyOf` and `oneOf`.
extension JSONSchemaConverter {
    /// The body for a schema with a combinator; `nil` if it has none.
    mutating func convertCombinators(
        _ schema: JSONValue, at path: String, name: String
    ) throws(JSONSchemaError) -> String? {
        if schema["$ref"] != nil {
            var siblings = schema
            siblings["$ref"] = nil
            guard hasConstraints(siblings) else { return try reference(schema, at: path) }
            return try convert(dereferenced(schema, at: path), at: path, name: name)
        }
        if let parts = schema["allOf"] {
            var whole = schema
            whole["allOf"] = nil
            for (index, part) in try schemas(parts, "allOf", at: path).enumerated() {
                let part = try dereferenced(part, at: "\(path)/allOf/\(index)")
                whole = hasConstraints(whole) ? try merged(whole, part, at: "\(path)/allOf/\(index)") : part
            }
            return try convert(whole, at: path, name: name)
        }
        for keyword in ["anyOf", "oneOf"] {
            guard let given = schema[keyword] else { continue }
            var rest = schema
            rest[keyword] = nil
            let options = try schemas(given, keyword, at: path)
            if keyword == "oneOf" { try requireDisjoint(options, at: path) }
            var bodies: [String] = []
            for (index, option) in options.enumerated() {
                let place = "\(path)/\(keyword)/\(index)"
                guard hasConstraints(rest) else {
                    bodies.append(try convert(option, at: place, name: "\(name)-\(index)"))
                    continue
                }
                let whole = try merged(rest, dereferenced(option, at: place), at: place)
                bodies.append(try convert(whole, at: place, name: "\(name)-\(index)"))
            }
            return GrammarRules.alternatives(bodies)
        }
        return nil
    }

    private func schemas(
        _ value: JSONValue, _ keyword: String, at path: String
    ) throws(JSONSchemaError) -> [JSONValue] {
        guard let schemas = value.array, !schemas.isEmpty else {
            throw JSONSchemaError(
                code: .invalid, keyword: keyword, path: path,
                message: "must be an array of one or more schemas")
        }
        return schemas
    }

    // MARK: - Merging

    /// One schema that allows what both allow.
    func merged(_ left: JSONValue, _ right: JSONValue, at path: String) throws(JSONSchemaError)
        -> JSONValue
    {
        guard left.object != nil, right.object != nil else {
            if left == true { return right }
            if right == true { return left }
            throw JSONSchemaError(
                code: .invalid, keyword: "allOf", path: path, message: "needs schemas (objects)")
        }
        var result = left
        for (keyword, value) in right.entries {
            guard let other = left[keyword], other != value else {
                result[keyword] = value
                continue
            }
            result[keyword] = try merged(keyword, other, value, at: path)
        }
        try requireSharedProperties(left, right, at: path)
        return result
    }

    private func merged(
        _ keyword: String, _ left: JSONValue, _ right: JSONValue, at path: String
    ) throws(JSONSchemaError) -> JSONValue {
        switch keyword {
        case _ where JSONSchemaConverter.annotations.contains(keyword): return left
        case "properties":
            var properties = left
            for (name, schema) in right.entries {
                guard let other = left[name], other != schema else {
                    properties[name] = schema
                    continue
                }
                properties[name] = ["allOf": [other, schema]]
            }
            return properties
        case "required":
            let names = Set(left.array ?? [])
            return .array((left.array ?? []) + (right.array ?? []).filter { !names.contains($0) })
        case "type":
            let (ours, theirs) = (typeNames(left), typeNames(right))
            let common =
                ours.filter { theirs.contains($0) || ($0 == "integer" && theirs.contains("number")) }
                + theirs.filter { $0 == "integer" && ours.contains("number") && !ours.contains("integer") }
            guard !common.isEmpty else {
                throw JSONSchemaError(
                    code: .invalid, keyword: "type", path: path, message: "cannot be of both types")
            }
            return .array(common.map(JSONValue.string))
        case "enum":
            let others = Set(right.array ?? [])
            let common = (left.array ?? []).filter(others.contains)
            guard !common.isEmpty else {
                throw JSONSchemaError(
                    code: .invalid, keyword: "enum", path: path, message: "has no value in common")
            }
            return .array(common)
        case "minimum", "exclusiveMinimum", "minLength", "minItems":
            if let left = left.double, let right = right.double {
                return left > right ? .number(left) : .number(right)
            }
        case "maximum", "exclusiveMaximum", "maxLength", "maxItems":
            if let left = left.double, let right = right.double {
                return left < right ? .number(left) : .number(right)
            }
        default: break
        }
        throw JSONSchemaError(
            code: .unsupported, keyword: keyword, path: path,
            message: "is given twice with different values: write the parts as one schema")
    }

    private func typeNames(_ value: JSONValue) -> [String] {
        value.array?.compactMap(\.string) ?? [value.string ?? ""]
    }

    /// `additionalProperties` of one part speaks of the properties of that part only, which one schema cannot say.
    private func requireSharedProperties(
        _ left: JSONValue, _ right: JSONValue, at path: String
    ) throws(JSONSchemaError) {
        for (closed, open) in [(left, right), (right, left)] {
            guard let additional = closed["additionalProperties"], additional != true else { continue }
            let names = Set(closed["properties"]?.keys ?? [])
            guard (open["properties"]?.keys ?? []).allSatisfy(names.contains) else {
                throw JSONSchemaError(
                    code: .unsupported, keyword: "additionalProperties", path: path,
                    message: "forbids properties of another part: write the parts as one schema")
            }
        }
    }

    // MARK: - Exclusive alternatives

    /// The most alternatives that are compared with each other.
    private static let mostExclusiveAlternatives = 200

    /// `oneOf` wants exactly one alternative to hold, which a grammar can only promise if no value fits two.
    private func requireDisjoint(_ options: [JSONValue], at path: String) throws(JSONSchemaError) {
        guard options.count <= JSONSchemaConverter.mostExclusiveAlternatives else {
            throw JSONSchemaError(
                code: .unsupported, keyword: "oneOf", path: path,
                message:
                    "is supported for \(JSONSchemaConverter.mostExclusiveAlternatives) alternatives: use anyOf or enum"
            )
        }
        var resolved: [JSONValue] = []
        for (index, option) in options.enumerated() {
            resolved.append(try dereferenced(option, at: "\(path)/oneOf/\(index)"))
        }
        for index in resolved.indices {
            for other in resolved[..<index] where !areDisjoint(other, resolved[index]) {
                throw JSONSchemaError(
                    code: .unsupported, keyword: "oneOf", path: path,
                    message:
                        "has alternatives that may hold at once: use anyOf, or tell them apart by type or by a constant"
                )
            }
        }
    }

    private func areDisjoint(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let ours = constants(left), let theirs = constants(right) {
            return ours.isDisjoint(with: theirs)
        }
        if let ours = left["type"].map(typeNames), let theirs = right["type"].map(typeNames) {
            let numbers: Set = ["integer", "number"]
            let overlaps = ours.contains { our in
                theirs.contains { $0 == our || (numbers.contains($0) && numbers.contains(our)) }
            }
            if !overlaps { return true }
        }
        let required = Set((left["required"]?.array ?? []).compactMap(\.string))
            .intersection((right["required"]?.array ?? []).compactMap(\.string))
        return required.contains { name in
            guard let ours = left["properties"]?[name].flatMap(constants),
                let theirs = right["properties"]?[name].flatMap(constants)
            else { return false }
            return ours.isDisjoint(with: theirs)
        }
    }

    private func constants(_ schema: JSONValue) -> Set<JSONValue>? {
        schema["const"].map { [$0] } ?? schema["enum"]?.array.map(Set.init)
    }
}
