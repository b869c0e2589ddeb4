/// Why a job is not taken, not found, or did not end well.
///
/// The message says what happened, to what, and what to do.
package struct JobError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// A value that its field cannot have; `field` names it.
        package static let badValue = Code("badValue")
        /// This node has nothing that trains.
        package static let notConfigured = Code("notConfigured")
        /// As many jobs wait as may wait.
        package static let queueFull = Code("queueFull")
        /// The idempotency key was used for another request.
        package static let keyReused = Code("keyReused")
        /// There is no such job, or it is somebody else's.
        package static let notFound = Code("notFound")
        /// The job has ended and cannot be cancelled any more.
        package static let ended = Code("ended")
        /// The node is stopping.
        package static let stopping = Code("stopping")
        /// The trainer could not be started, or did not end well.
        package static let trainerFailed = Code("trainerFailed")
        /// What is stored of a job cannot be read, or its log cannot be kept.
        package static let storage = Code("storage")
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

    static func badValue(_ field: String, _ message: String) -> JobError {
        JobError(.badValue, "\(field): \(message)", field: field)
    }
}
