/// What went wrong with a cluster's tokens, its nodes, or a worker's place in it.
package struct ClusterError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// A value that its field cannot have; `field` names it.
        package static let badValue = Code("badValue")
        /// There is no such cluster token.
        package static let tokenNotFound = Code("tokenNotFound")
        /// No worker of that host name has ever joined with that token.
        package static let nodeNotFound = Code("nodeNotFound")
        /// There are as many of these as there may be.
        package static let tooMany = Code("tooMany")
        /// The master does not take this worker, and asking again is of no use.
        package static let refused = Code("refused")
        /// What is stored contradicts itself.
        package static let damaged = Code("damaged")
    }

    package let code: Code
    /// What happened, to what, and what to do; never holds a secret.
    package let message: String
    /// The field of the request that is at fault, by its name in the API.
    package let field: String?
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, field: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.field = field
        self.cause = cause
    }

    package var description: String { message }

    static func badValue(_ field: String, _ message: String) -> ClusterError {
        ClusterError(.badValue, "\(field): \(message)", field: field)
    }
}
