/// Which user; never used again for another one.
package struct UserID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: Int64

    /// Nil unless positive.
    package init?(_ rawValue: Int64) {
        guard rawValue > 0 else { return nil }
        self.rawValue = rawValue
    }

    /// Reads decimal digits, as a path or a JWT has them: no sign, no leading zero.
    package init?(_ text: some StringProtocol) {
        guard let value = Int64(text), String(value) == text else { return nil }
        self.init(value)
    }

    /// A value out of a column that this domain alone writes.
    init(stored: Int64) { rawValue = stored }

    package var description: String { String(rawValue) }

    package static func < (one: UserID, other: UserID) -> Bool { one.rawValue < other.rawValue }
}
