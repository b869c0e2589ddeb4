import JSON

/// The part of JSON Schema 2020-12 that the contract uses.
struct SchemaChecker {
    /// The OpenAPI document that `$ref`s point into.
    let document: JSONValue
    /// Properties that a value need not have, where it must have every other one of its schema; nil: those that are required do.
    var mayLack: Set<String>?

    /// What is wrong with `value`, each with where it is.
    func check(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        let schema = resolved(schema)
        if let allowed = schema.bool { return allowed ? [] : ["\(place) is not allowed"] }
        var problems: [String] = []
        if let constant = schema["const"], constant != value { problems.append("\(place) is not \(constant)") }
        if let choices = schema["enum"]?.array, !choices.contains(value) {
            problems.append("\(place) \(value) is not among the choices")
        }
        let types = schema["type"].map { $0.array ?? [$0] }?.compactMap(\.string)
        if let types, !types.contains(where: { Self.isOf($0, value) }) {
            return problems + ["\(place) is \(value.kind), not \(types.joined(separator: " or "))"]
        }
        for (keyword, needed) in [("oneOf", 1...1), ("anyOf", 1...Int.max), ("allOf", nil)] {
            guard let branches = schema[keyword]?.array else { continue }
            let results = branches.map { check(value, $0, at: place) }
            let matching = results.count { $0.isEmpty }
            if let needed {
                if !needed.contains(matching) {
                    problems.append("\(place) matches \(matching) of \(keyword): \(results.flatMap { $0 })")
                }
            } else {
                problems += results.flatMap { $0 }
            }
        }
        if let pattern = schema["pattern"]?.string, let text = value.string,
            let expression = try? Regex(pattern), text.firstMatch(of: expression) == nil
        {
            problems.append("\(place) \(text) does not match \(pattern)")
        }
        problems += checkNumber(value, schema, at: place)
        problems += checkArray(value, schema, at: place)
        problems += checkObject(value, schema, at: place)
        return problems
    }

    /// The schema or response that a `$ref` points to.
    func resolved(_ schema: JSONValue) -> JSONValue {
        guard let reference = schema["$ref"]?.string else { return schema }
        var target = document
        for part in reference.dropFirst(2).split(separator: "/") { target = target[String(part)] ?? .bool(false) }
        return resolved(target)
    }

    private func checkNumber(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        guard let number = value.double else { return [] }
        if let minimum = schema["minimum"]?.double, number < minimum {
            return ["\(place) \(number) is below \(minimum)"]
        }
        if let maximum = schema["maximum"]?.double, number > maximum {
            return ["\(place) \(number) is above \(maximum)"]
        }
        return []
    }

    private func checkArray(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        guard let array = value.array else { return [] }
        if let minimum = schema["minItems"]?.integer, array.count < minimum { return ["\(place) has too few items"] }
        if let maximum = schema["maxItems"]?.integer, array.count > maximum { return ["\(place) has too many items"] }
        guard let items = schema["items"] else { return [] }
        return array.enumerated().flatMap { check($1, items, at: "\(place)[\($0)]") }
    }

    private func checkObject(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        guard value.object != nil else { return [] }
        var problems: [String] = []
        for name in schema["required"]?.array?.compactMap(\.string) ?? [] where value[name] == nil {
            problems.append("\(place).\(name) is missing")
        }
        let properties = schema["properties"]
        if let mayLack {
            for name in properties?.keys ?? [] where value[name] == nil && !mayLack.contains(name) {
                problems.append("\(place).\(name) is in the schema alone")
            }
        }
        for (name, member) in value.entries {
            if let property = properties?[name] {
                problems += check(member, property, at: "\(place).\(name)")
            } else if let additional = schema["additionalProperties"] {
                problems += check(member, additional, at: "\(place).\(name)")
            }
        }
        return problems
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch type {
        case "null": value.isNull
        case "boolean": value.bool != nil
        case "integer": value.integer != nil
        case "number": value.double != nil
        case "string": value.string != nil
        case "array": value.array != nil
        case "object": value.object != nil
        default: false
        }
    }
}
