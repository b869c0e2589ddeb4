import JSON
import OrderedCollections

extension JSONSchemaConverter {
    /// The most elements that `minItems` and `maxItems` may ask for, and characters for `minLength` and `maxLength`.
    static let mostRepetitions = 1_000_000

    // MARK: - Objects

    /// Members come in the order of `properties`; each optional one may be left out.
    ///
    /// Two rules stand for every property: one for when no member was written yet, and one for after a member.
    mutating func object(_ schema: JSONValue, at path: String, name: String) throws(JSONSchemaError)
        -> String
    {
        let properties = schema["properties"] ?? [:]
        guard properties.object != nil else {
            throw JSONSchemaError(
                code: .invalid, keyword: "properties", path: path, message: "must be an object")
        }
        let requiredNames = try requiredNames(schema, at: path)
        let required = Set(requiredNames)
        let additional = schema["additionalProperties"]
        let undeclared = requiredNames.filter { properties[$0] == nil }
        if properties.keys.isEmpty, undeclared.isEmpty, additional == nil || additional == true {
            return JSONPrimitive.object.add(to: &rules)
        }
        var members: [(body: String, isRequired: Bool)] = []
        let space = JSONPrimitive.space.add(to: &rules)
        for (key, property) in properties.entries {
            if property == false, !required.contains(key) { continue }
            let value = try convertInside(
                property, at: "\(path)/properties/\(key)", name: "\(name)-\(key)")
            let literal = GrammarRules.literal(JSONValue.string(key).serialized())
            members.append(("\(literal) \(space) \":\" \(space) \(value)", required.contains(key)))
        }
        for key in undeclared {
            if additional == false {
                throw JSONSchemaError(
                    code: .invalid, keyword: "required", path: path,
                    message: "asks for '\(key)', which is not allowed")
            }
            let schema = additional ?? true
            let value = try convertInside(
                schema, at: "\(path)/additionalProperties", name: "\(name)-\(key)")
            let literal = GrammarRules.literal(JSONValue.string(key).serialized())
            members.append(("\(literal) \(space) \":\" \(space) \(value)", true))
        }
        let other = try additionalMember(
            schema, declared: properties.keys + undeclared, at: path, name: name)
        let body = chain(members, other: other, name: name)
        return "\"{\" \(space) \(body) \"}\""
    }

    private func requiredNames(_ schema: JSONValue, at path: String) throws(JSONSchemaError)
        -> [String]
    {
        guard let required = schema["required"] else { return [] }
        guard let names = required.array, names.allSatisfy({ $0.string != nil }) else {
            throw JSONSchemaError(
                code: .invalid, keyword: "required", path: path, message: "must be an array of names")
        }
        return names.compactMap(\.string)
    }

    /// The rule for a member that the schema does not name; `nil` if there may be none.
    private mutating func additionalMember(
        _ schema: JSONValue, declared: [String], at path: String, name: String
    ) throws(JSONSchemaError) -> String? {
        guard let additional = schema["additionalProperties"], additional != false else { return nil }
        if let long = declared.first(where: { $0.utf8.count > KeyTrie.longestKey }) {
            throw JSONSchemaError(
                code: .unsupported, keyword: "additionalProperties", path: path,
                message:
                    "is not supported beside names of more than \(KeyTrie.longestKey) bytes (\(long.prefix(20))…)"
            )
        }
        let value = try convertInside(
            additional, at: "\(path)/additionalProperties", name: "\(name)-additional")
        let space = JSONPrimitive.space.add(to: &rules)
        let key =
            declared.isEmpty
            ? JSONPrimitive.string.add(to: &rules) : KeyTrie(declared).rule(in: &rules, name: name)
        return rules.add("\(name)-other", "\(key) \(space) \":\" \(space) \(value)")
    }

    private mutating func chain(
        _ members: [(body: String, isRequired: Bool)], other: String?, name: String
    ) -> String {
        let space = JSONPrimitive.space.add(to: &rules)
        let comma = "\(space) \",\" \(space)"
        // From the last member to the first: what may follow when nothing was written yet, and after a member.
        var first =
            other.map { rules.add("\(name)-only", "(\($0) (\(comma) \($0))* \(space))?") } ?? "\"\""
        var rest = other.map { rules.add("\(name)-more", "(\(comma) \($0))* \(space)") } ?? space
        for (index, member) in members.enumerated().reversed() {
            let rule = rules.add("\(name)-member-\(index)", member.body)
            if index > 0 || !member.isRequired {
                let nextFirst = "\(rule) \(rest)"
                first = rules.add(
                    "\(name)-from-\(index)", member.isRequired ? nextFirst : "\(nextFirst) | \(first)")
            } else {
                first = "\(rule) \(rest)"
            }
            let nextRest = "\(comma) \(rule) \(rest)"
            if index > 0 {
                rest = rules.add(
                    "\(name)-after-\(index)", member.isRequired ? nextRest : "\(nextRest) | \(rest)")
            }
        }
        return first
    }

    // MARK: - Arrays

    mutating func array(_ schema: JSONValue, at path: String, name: String) throws(JSONSchemaError)
        -> String
    {
        if schema["uniqueItems"] == true {
            throw JSONSchemaError(
                code: .unsupported, keyword: "uniqueItems", path: path,
                message: "cannot be promised by a grammar: leave it out")
        }
        let minimum = try count("minItems", schema, at: path) ?? 0
        let maximum = try count("maxItems", schema, at: path)
        guard maximum.map({ $0 >= minimum }) ?? true else {
            throw JSONSchemaError(
                code: .invalid, keyword: "maxItems", path: path, message: "is below minItems")
        }
        let space = JSONPrimitive.space.add(to: &rules)
        let comma = "\(space) \",\" \(space)"
        // Older drafts write tuples as an array of items with `additionalItems` for the rest.
        let isOldTuple = schema["items"]?.array != nil
        let prefix = schema["prefixItems"]?.array ?? schema["items"]?.array ?? []
        let restSchema = isOldTuple ? schema["additionalItems"] ?? true : schema["items"] ?? true
        if prefix.isEmpty {
            if restSchema == false || maximum == 0 {
                guard minimum == 0 else {
                    throw JSONSchemaError(
                        code: .invalid, keyword: "minItems", path: path,
                        message: "asks for items that are not allowed")
                }
                return "\"[\" \(space) \"]\""
            }
            let item = rules.add(
                "\(name)-item", try convertInside(restSchema, at: "\(path)/items", name: "\(name)-item"))
            let more = rules.repeated("\(comma) \(item)", max(minimum - 1, 0), maximum.map { $0 - 1 })
            let items = "\(item) \(more) \(space)"
            return "\"[\" \(space) \(minimum == 0 ? "(\(items))?" : items) \"]\""
        }
        guard minimum >= prefix.count, maximum == prefix.count || restSchema == false else {
            throw JSONSchemaError(
                code: .unsupported, keyword: isOldTuple ? "items" : "prefixItems", path: path,
                message:
                    "is supported with exactly as many items: set minItems and maxItems to \(prefix.count)")
        }
        var items: [String] = []
        for (index, item) in prefix.enumerated() {
            items.append(
                try convertInside(item, at: "\(path)/prefixItems/\(index)", name: "\(name)-\(index)"))
        }
        return "\"[\" \(space) \(items.joined(separator: " \(comma) ")) \(space) \"]\""
    }

    /// A keyword that counts something.
    func count(_ keyword: String, _ schema: JSONValue, at path: String) throws(JSONSchemaError)
        -> Int?
    {
        guard let value = schema[keyword] else { return nil }
        guard let count = value.integer, count >= 0 else {
            throw JSONSchemaError(
                code: .invalid, keyword: keyword, path: path, message: "must be an integer of 0 or more")
        }
        guard count <= JSONSchemaConverter.mostRepetitions else {
            throw JSONSchemaError(
                code: .unsupported, keyword: keyword, path: path,
                message: "is supported up to \(JSONSchemaConverter.mostRepetitions)")
        }
        return count
    }
}

/// Keys that a member may not have, letter by letter, to make a rule for all others.
private struct KeyTrie {
    /// Longer keys would make the trie too deep to walk.
    static let longestKey = 200

    private var children: [(letter: Unicode.Scalar, node: KeyTrie)] = []
    private var isKey = false

    init(_ keys: [String] = []) {
        for key in keys { insert(key.unicodeScalars[...]) }
    }

    private mutating func insert(_ key: Substring.UnicodeScalarView) {
        guard let letter = key.first else {
            isKey = true
            return
        }
        let index = children.firstIndex { $0.letter == letter } ?? children.count
        if index == children.count { children.append((letter, KeyTrie())) }
        children[index].node.insert(key.dropFirst())
    }

    /// A string in quotes that is none of the keys. Keys spelled with escapes are not recognized as such.
    func rule(in rules: inout GrammarRules, name: String) -> String {
        let character = JSONPrimitive.character.add(to: &rules)
        return rules.add("\(name)-key", "\"\\\"\" \(rest(character, in: &rules, name: name)) \"\\\"\"")
    }

    /// What may follow once the letters up to here were those of a key.
    private func rest(_ character: String, in rules: inout GrammarRules, name: String) -> String {
        var options: [String] = []
        let excluded: [ClosedRange<Unicode.Scalar>] =
            ["\""..."\"", "\\"..."\\", "\u{7F}"..."\u{7F}", "\0"..."\u{1F}"]
            + children.map { $0.letter...$0.letter }
        options.append("\(GrammarRules.characterClass(excluded, isNegated: true)) \(character)*")
        options.append("[\\\\] ([\"\\\\/bfnrt] | \"u\" [0-9a-fA-F]{4}) \(character)*")
        for (letter, node) in children where !["\"", "\\"].contains(letter) && letter.value >= 0x20 {
            options.append(
                "\(GrammarRules.literal(String(letter))) \(node.rest(character, in: &rules, name: name))")
        }
        let body = options.joined(separator: " | ")
        return rules.add("\(name)-not", isKey ? body : "| " + body)
    }
}
