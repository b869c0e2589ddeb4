package import Link

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Which cluster token; never used again for another one.
package struct ClusterTokenID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: Int64

    /// Nil unless positive.
    package init?(_ rawValue: Int64) {
        guard rawValue > 0 else { return nil }
        self.rawValue = rawValue
    }

    /// Reads decimal digits, as a path has them: no sign, no leading zero.
    package init?(_ text: some StringProtocol) {
        guard let value = Int64(text), String(value) == text else { return nil }
        self.init(value)
    }

    /// A value out of a column that this domain alone writes.
    init(stored: Int64) { rawValue = stored }

    package var description: String { String(rawValue) }

    package static func < (one: ClusterTokenID, other: ClusterTokenID) -> Bool { one.rawValue < other.rawValue }
}

/// A cluster token, without its secret.
package struct ClusterTokenRecord: Sendable, Hashable {
    package let id: ClusterTokenID
    package let name: String
    package let key: ClusterTokenKey
    /// The first characters and `...`; no two tokens of a master share them.
    package let shown: String
    package let created: Date
    /// To a minute or so; nil for one that was never used.
    package internal(set) var lastUsed: Date?
    package internal(set) var isActive: Bool
}
