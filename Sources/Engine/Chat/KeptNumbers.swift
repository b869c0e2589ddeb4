internal import JSON

/// Numbers that the library would write in another way, replaced by integers that it writes as they are, and put back afterwards.
///
/// `1.10`, `1e5`, `-0`, and integers of 20 digits stay what the client wrote, in calls of the history and in the schemas of tools.
struct KeptNumbers {
    private static let first = 7_310_584_920_165_001
    /// Limits of a schema: the library counts with them.
    private static let limits: Set<String> = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
    private var literals: [(placeholder: String, literal: String)] = []

    /// The value with placeholders for what the library would change.
    mutating func hidden(_ value: JSONValue) -> JSONValue {
        switch value {
        case .literal(let text): return placeholder(for: text)
        case .number(let number): return placeholder(for: JSONValue.number(number).serialized())
        case .array(let elements): return .array(elements.map { hidden($0) })
        case .object(let members):
            return .object(members.map { ($0.key, Self.limits.contains($0.key) ? $0.value : hidden($0.value)) })
        default: return value
        }
    }

    private mutating func placeholder(for literal: String) -> JSONValue {
        let number = Self.first + literals.count
        literals.append((String(number), literal))
        return .integer(number)
    }

    /// The text with the numbers as they were written.
    func restored(in text: String) -> String {
        guard !literals.isEmpty else { return text }
        var result: [UInt8] = []
        let bytes = Array(text.utf8)
        result.reserveCapacity(bytes.count)
        let byPlaceholder = Dictionary(uniqueKeysWithValues: literals.map { (Array($0.placeholder.utf8), $0.literal) })
        var index = 0
        while index < bytes.count {
            let end = index + 16
            if bytes[index] == UInt8(ascii: "7"), end <= bytes.count,
                let literal = byPlaceholder[Array(bytes[index..<end])]
            {
                result += Array(literal.utf8)
                index = end
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
