/// The name that a user logs in with: 1 to 64 ASCII letters, digits, `.`, `_` and `-`, with a letter or digit at either end.
///
/// Letters of other alphabets are refused, because many look like Latin ones, and so are invisible characters: of two names that
/// look the same, one would be taken for the other. Names that differ in case alone are the same name.
package struct Username: Sendable, CustomStringConvertible {
    package static let maximumLength = 64

    /// As it was given.
    package let rawValue: String
    /// In lower case: what is compared.
    package var folded: String { rawValue.lowercased() }

    package init(_ text: String) throws(AccountError) {
        guard !text.isEmpty, text.utf8.count <= Self.maximumLength else {
            throw .badValue("username", "takes 1 to \(Self.maximumLength) characters")
        }
        guard text.utf8.allSatisfy({ Self.isAlphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }) else {
            throw .badValue("username", "takes only the letters a to z and A to Z, digits, '.', '_' and '-'")
        }
        guard let first = text.utf8.first, let last = text.utf8.last, Self.isAlphanumeric(first),
            Self.isAlphanumeric(last)
        else { throw .badValue("username", "starts and ends with a letter or digit") }
        self.init(stored: text)
    }

    /// A name out of the table.
    init(stored text: String) {
        rawValue = text
    }

    package var description: String { rawValue }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension Username: Hashable {
    package static func == (one: Username, other: Username) -> Bool { one.folded == other.folded }
    package func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}
