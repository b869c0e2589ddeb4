import JSON
import OrderedCollections

/// The members of a JSON request body, read one by one; what nobody has read is refused at the end.
///
/// `null` counts as absent everywhere, as official clients send it for what is not set.
struct RequestFields {
    private let members: OrderedDictionary<String, JSONValue>
    private var read: Set<String> = []
    /// Stands before the names in messages: `stream_options.` for the members of that object.
    private let prefix: String

    /// - Throws: 400 where the body is no JSON object.
    init(_ body: JSONValue, prefix: String = "") throws(APIError) {
        guard case .object(let members) = body else {
            let name = prefix.isEmpty ? "the body" : String(prefix.dropLast())
            throw .invalidRequest(
                "\(name) must be a JSON object, not \(body.kind)",
                parameter: prefix.isEmpty ? nil : String(prefix.dropLast()))
        }
        self.members = members
        self.prefix = prefix
    }

    /// The member `name`; `nil` when it is absent or null.
    mutating func value(_ name: String) -> JSONValue? {
        read.insert(name)
        guard let value = members[name], !value.isNull else { return nil }
        return value
    }

    mutating func string(_ name: String, maximumBytes: Int = 1 << 20) throws(APIError) -> String? {
        guard let value = value(name) else { return nil }
        guard let string = value.string else { throw wrongKind(name, value, expected: "a string") }
        guard string.utf8.count <= maximumBytes else {
            throw invalid(name, "may have at most \(maximumBytes) bytes, and has \(string.utf8.count)")
        }
        return string
    }

    mutating func requiredString(_ name: String, maximumBytes: Int = 1 << 20) throws(APIError) -> String {
        guard let string = try string(name, maximumBytes: maximumBytes) else { throw missing(name) }
        guard !string.isEmpty else { throw invalid(name, "must not be empty") }
        return string
    }

    mutating func bool(_ name: String) throws(APIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let bool = value.bool else { throw wrongKind(name, value, expected: "true or false") }
        return bool
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = value(name) else { return nil }
        guard let integer = value.integer else { throw wrongKind(name, value, expected: "an integer") }
        guard range.contains(integer) else {
            throw invalid(name, "must be from \(range.lowerBound) to \(range.upperBound), and is \(integer)")
        }
        return integer
    }

    mutating func number(_ name: String, in range: ClosedRange<Double>) throws(APIError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.double else { throw wrongKind(name, value, expected: "a number") }
        guard range.contains(number) else {
            throw invalid(name, "must be from \(range.lowerBound) to \(range.upperBound), and is \(number)")
        }
        return number
    }

    mutating func array(_ name: String) throws(APIError) -> [JSONValue]? {
        guard let value = value(name) else { return nil }
        guard let array = value.array else { throw wrongKind(name, value, expected: "an array") }
        return array
    }

    mutating func object(_ name: String) throws(APIError) -> RequestFields? {
        guard let value = value(name) else { return nil }
        return try RequestFields(value, prefix: "\(prefix)\(name).")
    }

    /// Reads a member that changes nothing here and may have any value.
    mutating func ignore(_ names: [String]) { read.formUnion(names) }

    /// Accepts a member only with the value that switches it off.
    ///
    /// - Throws: 400 that names the member when it has any other value.
    mutating func require(_ name: String, oneOf neutral: [JSONValue]) throws(APIError) {
        guard let value = value(name) else { return }
        let isNeutral = neutral.contains { candidate in
            if let number = candidate.double, let given = value.double { return number == given }
            return candidate == value
        }
        guard !isNeutral else { return }
        let values = neutral.map { $0.serialized() }.joined(separator: " or ")
        throw invalid(name, values.isEmpty ? "is not supported here" : "is not supported here except as \(values)")
    }

    /// - Throws: 400 that names the first member that nobody has read.
    func refuseUnread() throws(APIError) {
        guard let name = members.keys.first(where: { !read.contains($0) }) else { return }
        let shown = name.count <= 64 ? name : "\(name.prefix(64))…"
        throw .invalidRequest(
            "unknown option \(prefix)\(shown)", parameter: "\(prefix)\(shown)",
            hint: "Options that this node does not know are refused rather than ignored; leave it out.")
    }

    func missing(_ name: String) -> APIError {
        .invalidRequest("\(prefix)\(name) is missing", parameter: "\(prefix)\(name)")
    }

    func invalid(_ name: String, _ problem: String) -> APIError {
        .invalidRequest("\(prefix)\(name) \(problem)", parameter: "\(prefix)\(name)")
    }

    func wrongKind(_ name: String, _ value: JSONValue, expected: String) -> APIError {
        invalid(name, "must be \(expected), not \(value.kind)")
    }
}
