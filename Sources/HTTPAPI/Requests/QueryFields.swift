import Hummingbird
import OrderedCollections

/// The parameters of a request's query, read one by one; what nobody has read is refused at the end.
struct QueryFields {
    private var members: OrderedDictionary<String, String> = [:]
    private var read: Set<String> = []

    /// - Throws: 400 where an escape is malformed or a parameter comes twice.
    init(_ request: Request) throws(APIError) {
        for field in (request.uri.query ?? "").split(separator: "&") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // Forms write a space as "+" (WHATWG URL section 5.1).
            let decoded = parts.map { $0.replacing("+", with: " ").percentDecoded }
            guard let name = decoded[0], let value = decoded.count == 2 ? decoded[1] : "" else {
                throw .invalidRequest(
                    "the query has a malformed escape", parameter: decoded[0].map { String($0.prefix(64)) }, in: .query)
            }
            guard members.updateValue(value, forKey: name) == nil else {
                throw .invalidRequest(
                    "\(name.prefix(64)) is in the query twice", parameter: String(name.prefix(64)), in: .query)
            }
        }
    }

    /// The parameter `name`; nil where it is absent.
    ///
    /// - Throws: 400 where it is too long, or holds control characters and may not.
    mutating func string(
        _ name: String, maximumCharacters: Int = 256, allowsControls: Bool = false
    ) throws(APIError) -> String? {
        read.insert(name)
        guard let value = members[name] else { return nil }
        guard value.unicodeScalars.count <= maximumCharacters else {
            throw .invalidRequest(
                "\(name) may have at most \(maximumCharacters) characters", parameter: name, in: .query)
        }
        guard allowsControls || value.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw .invalidRequest("\(name) holds control characters", parameter: name, in: .query)
        }
        return value
    }

    mutating func requiredString(_ name: String, maximumCharacters: Int = 256) throws(APIError) -> String {
        guard let value = try string(name, maximumCharacters: maximumCharacters), !value.isEmpty else {
            throw .invalidRequest("\(name) is missing in the query", parameter: name, in: .query)
        }
        return value
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let text = try string(name) else { return nil }
        guard let number = Int(text), range.contains(number), String(number) == text else {
            throw .invalidRequest(
                "\(name) must be a number from \(range.lowerBound) to \(range.upperBound)", parameter: name, in: .query)
        }
        return number
    }

    /// - Throws: 400 that names the first parameter that nobody has read.
    func refuseUnread() throws(APIError) {
        guard let name = members.keys.first(where: { !read.contains($0) }) else { return }
        throw .invalidRequest(
            "unknown parameter \(name.prefix(64)) in the query", parameter: String(name.prefix(64)), in: .query)
    }
}
