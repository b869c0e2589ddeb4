import HTTPTypes

/// What a client would like about the answer's way (`Prefer`, RFC 7240); what is not understood is left out, as it asks for.
struct Preference: Hashable {
    /// Longest wait that is read, in seconds.
    private static let maximumWait = 86_400

    /// Whether the answer may come before the work is done.
    private(set) var respondsAsync = false
    /// How long the client waits for the work.
    private(set) var wait: Duration?

    init(_ headers: HTTPFields) {
        for part in headers[values: .prefer].joined(separator: ",").split(separator: ",") {
            // Parameters follow a semicolon; no preference read here has any.
            let preference = part.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
            if preference == "respond-async" { respondsAsync = true }
            guard preference.hasPrefix("wait="), wait == nil, preference.count <= 16,
                preference.utf8.dropFirst(5).allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let seconds = Int(preference.dropFirst(5))
            else { continue }
            wait = .seconds(min(seconds, Self.maximumWait))
        }
    }
}

extension HTTPField.Name {
    static let prefer = known("prefer")
    static let preferenceApplied = known("preference-applied")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a field name") }
        return field
    }
}
