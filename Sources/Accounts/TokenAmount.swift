/// A number of tokens: 0 to 2^53 - 1, so that every JSON reader has it exactly.
package struct TokenAmount: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let largest: Int64 = 9_007_199_254_740_991
    package static let zero = TokenAmount(stored: 0)

    package let rawValue: Int64

    package init(_ rawValue: Int64, field: String = "tokens") throws(AccountError) {
        guard (0...Self.largest).contains(rawValue) else {
            throw .badValue(field, "is a whole number from 0 to \(Self.largest)")
        }
        self.rawValue = rawValue
    }

    init(stored: Int64) { rawValue = stored }

    package var description: String { String(rawValue) }

    package static func < (one: TokenAmount, other: TokenAmount) -> Bool { one.rawValue < other.rawValue }
}
