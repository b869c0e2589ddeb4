/// Why a node does not come to hold what was asked for, or does not take a rule about it.
///
/// The message says what happened, to what, and what to do.
package struct AcquisitionError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// A schedule that is not possible.
        package static let badSchedule = Code("badSchedule")
        /// A policy that is not possible.
        package static let badPolicy = Code("badPolicy")
    }

    package let code: Code
    /// The field that is wrong, as it is written in a request, such as `reduced_hours_start`.
    package let field: String?
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, field: String? = nil, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.field = field
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}
