/// Which bytes a partial answer holds: `bytes 0-99/1000` (RFC 9110 section 14.4).
struct ContentRange: Equatable {
    let range: Range<UInt64>
    /// Length of the whole file; nil where the answer says `*`.
    let totalBytes: UInt64?

    /// Nil for anything else, and for ranges that are empty or reach past the total.
    init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let sides = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        let bounds = sides[0].split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Self.number(bounds[0]), let last = Self.number(bounds[1]), first <= last,
            last < UInt64(Int64.max)
        else { return nil }
        if sides[1] == "*" {
            totalBytes = nil
        } else {
            guard let total = Self.number(sides[1]), last < total else { return nil }
            totalBytes = total
        }
        range = first..<last + 1
    }

    /// Digits only: no sign, as `UInt64` alone would take one.
    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(text)
    }
}
