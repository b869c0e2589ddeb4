/// Why a node could not start or keep running.
package struct NodeError: Error, CustomStringConvertible {
    /// What went wrong, open to more cases.
    package struct Code: Hashable, Sendable, RawRepresentable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// The data directory cannot be made, read or written.
        package static let dataDirectory = Code(rawValue: "data_directory")
        /// Another process works with the data directory.
        package static let alreadyRunning = Code(rawValue: "already_running")
        /// A key file holds something else than a key.
        package static let badKeyFile = Code(rawValue: "bad_key_file")
        /// What a worker needs to know is missing or wrong.
        package static let badWorker = Code(rawValue: "bad_worker")
        /// An address cannot be listened on.
        package static let cannotListen = Code(rawValue: "cannot_listen")
    }

    package let code: Code
    /// What happened, to what, and what to do about it.
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String {
        cause.map { "\(message): \($0)" } ?? message
    }
}
