/// An e-mail address as browsers accept one (HTML Living Standard, 4.10.5.1.5 "valid e-mail address"), of at most 254 characters
/// with at most 64 before the `@` (RFC 5321, 4.5.3.1), and without a dot at either end of that part or two in a row.
///
/// All of it is ASCII: other domains are written in their `xn--` form, which shows what only looks like another domain. Addresses
/// that differ in case alone are the same address.
package struct EmailAddress: Sendable, CustomStringConvertible {
    package static let maximumLength = 254

    /// As it was given.
    package let rawValue: String
    /// In lower case: what is compared.
    package var folded: String { rawValue.lowercased() }

    package init(_ text: String) throws(AccountError) {
        guard text.utf8.count <= Self.maximumLength else {
            throw .badValue("email", "takes at most \(Self.maximumLength) characters")
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, Self.isMailbox(parts[0]), Self.isDomain(parts[1]) else {
            throw .badValue("email", "is no e-mail address; it looks like name@example.com, in ASCII")
        }
        self.init(stored: text)
    }

    /// An address out of the table.
    init(stored text: String) {
        rawValue = text
    }

    package var description: String { rawValue }

    private static func isMailbox(_ part: Substring.UTF8View) -> Bool {
        let dot = UInt8(ascii: ".")
        guard (1...64).contains(part.count), part.first != dot, part.last != dot,
            !zip(part, part.dropFirst()).contains(where: { $0 == dot && $1 == dot })
        else { return false }
        return part.allSatisfy { isLetterOrDigit($0) || ".!#$%&'*+/=?^_`{|}~-".utf8.contains($0) }
    }

    private static func isDomain(_ part: Substring.UTF8View) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return part.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { isLetterOrDigit($0) || $0 == hyphen }
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension EmailAddress: Hashable {
    package static func == (one: EmailAddress, other: EmailAddress) -> Bool { one.folded == other.folded }
    package func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}
