/// Which API token; never used again for another one.
package struct APITokenID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    /// Nil unless positive.
    package init?(_ rawValue: Int64) {
        guard rawValue > 0 else { return nil }
        self.rawValue = rawValue
    }

    init(stored: Int64) { rawValue = stored }

    package var description: String { String(rawValue) }
}

/// Which JWT proved who somebody is; ends it.
package struct JWTHandle: Sendable, Hashable {
    let id: String
    let expires: Int64
}

/// Which session proved who somebody is; ends it.
package struct SessionHandle: Sendable, Hashable {
    let hash: [UInt8]
    /// What the page sends in a header with everything that changes something.
    package let csrfToken: String
}
