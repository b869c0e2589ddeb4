/// Why another node did not say or send what it was asked for of a shard.
package struct ExchangeError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// Nobody says what the hash of a shard is, or the holders disagree.
        package static let hashUnknown = Code("hashUnknown")
        /// The node did not send all of it, or not what it was asked for.
        package static let supplierFailed = Code("supplierFailed")
        /// The node sends to as many others as it may; later it sends.
        package static let supplierBusy = Code("supplierBusy")
        /// The node has another model, or does not hold the shard.
        package static let notHeldThere = Code("notHeldThere")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}
