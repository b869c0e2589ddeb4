import JSON

extension JSONSchemaConverter {
    mutating func string(_ schema: JSONValue, at path: String, name: String) throws(JSONSchemaError)
        -> String
    {
        let minimum = try count("minLength", schema, at: path)
        let maximum = try count("maxLength", schema, at: path)
        if let pattern = schema["pattern"] {
            try refuse(["minLength", "maxLength", "format"], beside: "pattern", in: schema, at: path)
            guard let text = pattern.string else {
                throw JSONSchemaError(
                    code: .invalid, keyword: "pattern", path: path, message: "must be a string")
            }
            let body = try self.pattern(text, at: path)
            return "\"\\\"\" \(body) \"\\\"\""
        }
        if let format = schema["format"] {
            try refuse(["minLength", "maxLength"], beside: "format", in: schema, at: path)
            guard let body = JSONSchemaConverter.formats[format.string ?? ""] else {
                let known = JSONSchemaConverter.formats.keys.sorted().joined(separator: ", ")
                throw JSONSchemaError(
                    code: .unsupported, keyword: "format", path: path,
                    message: "is supported for \(known), not for \(format.serialized())")
            }
            return "\"\\\"\" \(body) \"\\\"\""
        }
        guard minimum != nil || maximum != nil else { return JSONPrimitive.string.add(to: &rules) }
        guard maximum.map({ $0 >= minimum ?? 0 }) ?? true else {
            throw JSONSchemaError(
                code: .invalid, keyword: "maxLength", path: path, message: "is below minLength")
        }
        let character = JSONPrimitive.character.add(to: &rules)
        return "\"\\\"\" \(rules.repeated(character, minimum ?? 0, maximum)) \"\\\"\""
    }

    private func refuse(
        _ keywords: [String], beside other: String, in schema: JSONValue, at path: String
    ) throws(JSONSchemaError) {
        for keyword in keywords where schema[keyword] != nil {
            throw JSONSchemaError(
                code: .unsupported, keyword: keyword, path: path,
                message: "is not supported beside '\(other)': leave one out")
        }
    }

    private mutating func pattern(_ text: String, at path: String) throws(JSONSchemaError) -> String {
        do throws(PatternError) {
            var parser = PatternParser(text, character: JSONPrimitive.character.add(to: &rules))
            return try parser.body(&rules)
        } catch {
            throw JSONSchemaError(
                code: .unsupported, keyword: "pattern", path: path, message: "\(error.message) (\(text))")
        }
    }

    /// RFC 3339 dates and times, with days that every month could have, and UUIDs (RFC 9562).
    private static let formats: [String: String] = {
        let year = "[0-9]{4}"
        let date =
            "\(year) \"-\" ((\"0\" [13578] | \"1\" [02]) \"-\" (\"0\" [1-9] | [12] [0-9] | \"3\" [01]) "
            + "| (\"0\" [469] | \"11\") \"-\" (\"0\" [1-9] | [12] [0-9] | \"30\") "
            + "| \"02-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8]))"
        let hour = "([01] [0-9] | \"2\" [0-3])"
        let time =
            "\(hour) \":\" [0-5] [0-9] \":\" [0-5] [0-9] (\".\" [0-9]{1,9})? (\"Z\" | [+-] \(hour) \":\" [0-5] [0-9])"
        let uuid =
            "[0-9a-fA-F]{8} \"-\" [0-9a-fA-F]{4} \"-\" [0-9a-fA-F]{4} \"-\" [0-9a-fA-F]{4} \"-\" [0-9a-fA-F]{12}"
        return ["date": date, "time": time, "date-time": "\(date) \"T\" \(time)", "uuid": uuid]
    }()
}
