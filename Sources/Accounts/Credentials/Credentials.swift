/// What a request shows to prove who sent it.
package enum Credentials: Sendable {
    case none
    /// What follows `Bearer`, or what `x-api-key` says.
    case bearer(String)
    /// The session cookie's value.
    case session(String, csrf: CSRFCheck)
}

/// Whether a request has to show that it comes from the session's own page.
package enum CSRFCheck: Sendable, Hashable {
    /// The request only reads.
    case notNeeded
    /// The request changes something; the header's value.
    case required(String?)
}
