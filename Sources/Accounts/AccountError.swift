/// What went wrong with users, their credentials or their tokens.
///
/// The message says what happened, to what, and what to do; it never holds a secret.
package struct AccountError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        // MARK: What was asked

        /// A value that its field cannot have; `field` names it.
        package static let badValue = Code("badValue")
        /// Another user has the name; `field` says which.
        package static let taken = Code("taken")
        /// There is no such user.
        package static let userNotFound = Code("userNotFound")
        /// There is no such API token.
        package static let tokenNotFound = Code("tokenNotFound")
        /// What was asked would leave nobody who may administer the node.
        package static let lastAdministrator = Code("lastAdministrator")
        /// The user has as many of these as one may have.
        package static let tooMany = Code("tooMany")

        // MARK: Logging in

        /// The user is unknown or deactivated, or the password is wrong: which of them, nobody is told.
        package static let wrongCredentials = Code("wrongCredentials")
        /// Too many log-ins failed; `retryAfter` says how long to wait.
        package static let throttled = Code("throttled")
        /// More passwords wait to be checked than this machine can check in time.
        package static let busy = Code("busy")

        // MARK: Proving who one is

        /// No bearer value that this node knows: malformed, forged, revoked, or another node's.
        package static let badBearer = Code("badBearer")
        /// The session is unknown or was ended.
        package static let badSession = Code("badSession")
        /// The session or the bearer value was good and has run out.
        package static let expired = Code("expired")
        /// The bearer value was good and was ended by a change of its user.
        package static let revoked = Code("revoked")
        /// The session is good; the CSRF header is missing or wrong.
        package static let badCSRFToken = Code("badCSRFToken")

        // MARK: The ledger

        /// The balance is too small.
        package static let insufficientTokens = Code("insufficientTokens")
        /// The idempotency key was used for something else.
        package static let keyReused = Code("keyReused")
        /// There is no such reservation.
        package static let reservationNotFound = Code("reservationNotFound")
        /// The reservation was settled or refunded before, in another way.
        package static let reservationClosed = Code("reservationClosed")

        // MARK: The node

        /// The key that signs JWTs cannot be kept or read.
        package static let unusableKey = Code("unusableKey")
        /// What is stored contradicts itself.
        package static let damaged = Code("damaged")
    }

    package let code: Code
    package let message: String
    /// The field of the request that is at fault, by its name in the API.
    package let field: String?
    /// How long to wait before the same may be asked again.
    package let retryAfter: Duration?
    package let cause: (any Error)?

    package init(
        _ code: Code, _ message: String, field: String? = nil, retryAfter: Duration? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.retryAfter = retryAfter
        self.cause = cause
    }

    package var description: String { message }

    static func badValue(_ field: String, _ message: String) -> AccountError {
        AccountError(.badValue, "\(field): \(message)", field: field)
    }
}
