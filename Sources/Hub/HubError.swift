/// What went wrong between this node and the Hugging Face hub.
///
/// The message says what happened, to what, and what to do. No message ever holds the token.
package struct HubError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// Text that no repository, path, revision or token may be.
        package static let invalidName = Code("invalidName")
        /// An endpoint or a limit that cannot be worked with.
        package static let badConfiguration = Code("badConfiguration")
        /// The hub has no such repository, revision or file.
        package static let notFound = Code("notFound")
        /// The repository's licence has not been accepted, or access not been granted.
        package static let gated = Code("gated")
        /// The hub does not know the token, or wants one.
        package static let unauthorized = Code("unauthorized")
        /// The hub asks for more patience than the client has.
        package static let rateLimited = Code("rateLimited")
        /// Nobody answers, or only with 5xx, or the connection breaks again and again.
        package static let unavailable = Code("unavailable")
        /// Nothing arrived for too long, again and again.
        package static let stalled = Code("stalled")
        /// The file is another one than when it was looked up.
        package static let fileChanged = Code("fileChanged")
        /// The file store and the hub do not agree on how long the file is.
        package static let sizeMismatch = Code("sizeMismatch")
        /// More bytes than the client is willing to take.
        package static let tooLarge = Code("tooLarge")
        /// An answer that contradicts itself or cannot be understood.
        package static let badAnswer = Code("badAnswer")
        /// The file is no GGUF file, or its header is damaged.
        package static let notGGUF = Code("notGGUF")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}
