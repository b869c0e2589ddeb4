import Bytes
package import Identifiers

/// What can go wrong between two nodes, or with the keys that a node keeps.
package struct LinkError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is. Open: switch over it with a `default`.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// A key file has the wrong size, the wrong permissions, or cannot be read or written.
        package static let unusableKeyFile = Code(rawValue: "unusable_key_file")
        /// The other side does not hold this swarm's key, or says that this node does not.
        package static let notAMember = Code(rawValue: "not_a_member")
        /// A worker's cluster token is not one that the master knows.
        package static let unknownToken = Code(rawValue: "unknown_token")
        /// The other side proved to be another node than the one that was called: see `expected` and `found`.
        package static let wrongNode = Code(rawValue: "wrong_node")
        /// Nothing answered at any of the addresses, or what answered is no node.
        package static let unreachable = Code(rawValue: "unreachable")
        /// No answer in the time given.
        package static let timedOut = Code(rawValue: "timed_out")
        /// An address that cannot be read, listened on or dialled.
        package static let badAddress = Code(rawValue: "bad_address")
        /// Another program listens on that port.
        package static let addressInUse = Code(rawValue: "address_in_use")
        /// A certificate or credentials that are malformed, expired or forged.
        package static let badCertificate = Code(rawValue: "bad_certificate")
        /// The listener has stopped, or was never started.
        package static let notListening = Code(rawValue: "not_listening")
    }

    package var code: Code
    /// What happened, to what, and what to do.
    package var message: String
    package var cause: (any Error)?
    /// With `wrongNode`: the node that was called.
    package var expected: NodeID?
    /// With `wrongNode`: the node that answered.
    package var found: NodeID?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// What is wrong with a key file.
    init(_ error: ByteError) {
        self.init(.unusableKeyFile, error.message, cause: nil)
    }

    /// The other side proved to be another node than the one that was called.
    package static func wrongNode(expected: NodeID, found: NodeID) -> LinkError {
        var error = LinkError(
            .wrongNode,
            "node \(found.short) answered where node \(expected.short) was expected: its address has changed hands")
        error.expected = expected
        error.found = found
        return error
    }

    package var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}
