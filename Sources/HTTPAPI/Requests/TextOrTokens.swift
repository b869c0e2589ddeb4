import JSON

/// A text, or the token ids of one.
enum TextOrTokens: Hashable {
    case text(String)
    case tokens([Int32])

    /// Reads a text, an array of texts, an array of token ids, or an array of such arrays.
    ///
    /// - Throws: 400 that names `name`.
    static func read(_ value: JSONValue, name: String) throws(APIError) -> [TextOrTokens] {
        switch value {
        case .string(let text): return [.text(text)]
        case .array(let elements):
            guard let first = elements.first else {
                throw .invalidRequest("\(name) must not be empty", parameter: name)
            }
            if first.integer != nil { return [.tokens(try tokens(elements, name: name))] }
            guard elements.count <= 2048 else {
                throw .invalidRequest("\(name) may hold at most 2048 texts", parameter: name)
            }
            var inputs: [TextOrTokens] = []
            for (index, element) in elements.enumerated() {
                switch element {
                case .string(let text): inputs.append(.text(text))
                case .array(let inner): inputs.append(.tokens(try tokens(inner, name: "\(name)[\(index)]")))
                default:
                    throw .invalidRequest(
                        "\(name)[\(index)] must be a string or an array of token ids, not \(element.kind)",
                        parameter: "\(name)[\(index)]")
                }
            }
            return inputs
        default:
            throw .invalidRequest(
                "\(name) must be a string or an array, not \(value.kind)", parameter: name)
        }
    }

    /// Reads an array of token ids.
    static func tokens(_ elements: [JSONValue], name: String) throws(APIError) -> [Int32] {
        guard !elements.isEmpty else { throw .invalidRequest("\(name) must not be empty", parameter: name) }
        var tokens: [Int32] = []
        tokens.reserveCapacity(elements.count)
        for element in elements {
            guard let integer = element.integer, let token = Int32(exactly: integer), token >= 0 else {
                throw .invalidRequest(
                    "\(name) must hold token ids, and \(element.serialized().prefix(64)) is none", parameter: name)
            }
            tokens.append(token)
        }
        return tokens
    }
}
