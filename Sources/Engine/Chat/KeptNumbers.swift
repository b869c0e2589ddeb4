internal import JSON

/// Numbers that the library would write in another way, replaced by integers that it writes as they are, and put back afterwards.
///
/// `1.10`, `1e5`, `-0`, and integers of 20 digits stay what the client wrote, in calls of the history and in the schemas of tools.
struct KeptNumbers {
    /// What the library counts with while it makes a grammar of a schema.
    private static let limits: Set<String> = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
        "minItems",
        "maxItems", "minContains", "maxContains", "minProperties", "maxProperties",
    ]
    /// Digits of a stand-in: as many as every number format keeps.
    private static let digits = 16

    /// Texts in which no stand-in may occur.
    private let everything: () -> [String]
    /// The first eight digits of every stand-in.
    private var beginning: Int?
    private var standIns: [String: Int] = [:]
    private var literals: [String] = []

    init(avoiding everything: @escaping () -> [String]) { self.everything = everything }

    /// The value with stand-ins for what the library would change.
    ///
    /// - Parameter keepsLimits: Limits of a schema stay numbers that can be counted with.
    mutating func hidden(_ value: JSONValue, keepsLimits: Bool = false) -> JSONValue {
        switch value {
        case .literal(let text): return standIn(for: text)
        case .number: return standIn(for: value.serialized())
        case .array(let elements): return .array(elements.map { hidden($0, keepsLimits: keepsLimits) })
        case .object(let members):
            return .object(
                members.map { member in
                    let isLimit = keepsLimits && Self.limits.contains(member.key) && member.value.double != nil
                    return (member.key, isLimit ? member.value : hidden(member.value, keepsLimits: keepsLimits))
                })
        default: return value
        }
    }

    private mutating func standIn(for literal: String) -> JSONValue {
        if let known = standIns[literal] { return .integer(known) }
        let beginning = beginning ?? freeBeginning()
        self.beginning = beginning
        let number = beginning * 100_000_000 + literals.count
        literals.append(literal)
        standIns[literal] = number
        return .integer(number)
    }

    private func freeBeginning() -> Int {
        let texts = everything()
        var beginning = 73_105_849
        while beginning < 89_999_999, texts.contains(where: { $0.contains(String(beginning)) }) { beginning += 1 }
        return beginning
    }

    /// The text with the numbers as they were written.
    func restored(in text: String) -> String {
        guard let beginning else { return text }
        let mark = Array(String(beginning).utf8)
        var result: [UInt8] = []
        let bytes = Array(text.utf8)
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let end = index + Self.digits
            if bytes[index] == mark[0], end <= bytes.count, bytes[index..<end].starts(with: mark),
                let place = Int(String(decoding: bytes[(index + mark.count)..<end], as: UTF8.self)),
                literals.indices.contains(place)
            {
                result += Array(literals[place].utf8)
                index = end
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
