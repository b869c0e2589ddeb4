/// What tells one state of a file from another: `"abc"`, or `W/"abc"` for a weak one (RFC 9110 section 8.8.3).
struct EntityTag: Hashable, Sendable {
    /// Without quotes and without `W/`.
    let value: String
    let isWeak: Bool

    /// Nil for empty text and for what could not stand in a header.
    init?(_ text: String) {
        var rest = Substring(text)
        isWeak = rest.hasPrefix("W/")
        if isWeak { rest = rest.dropFirst(2) }
        if rest.count >= 2, rest.first == "\"", rest.last == "\"" { rest = rest.dropFirst().dropLast() }
        guard !rest.isEmpty, rest.utf8.count <= 512,
            rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") })
        else { return nil }
        value = String(rest)
    }

    /// As `If-Range` takes it; nil for weak tags, which do not vouch for single bytes.
    var condition: String? { isWeak ? nil : "\"\(value)\"" }
}
