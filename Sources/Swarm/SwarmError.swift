import Link

/// What can go wrong with joining a swarm and with its members.
package struct SwarmError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is. Open: switch over it with a `default`.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// An invite code longer than 4096 characters.
        package static let codeTooLong = Code(rawValue: "code_too_long")
        /// Neither an invite code nor a multiaddress, or a damaged one.
        package static let badCode = Code(rawValue: "bad_code")
        /// An address that no node can be reached at.
        package static let badAddress = Code(rawValue: "bad_address")
        /// This node is in another swarm and knows peers there.
        package static let alreadyMember = Code(rawValue: "already_member")
        /// The code leads to this node itself.
        package static let ownCode = Code(rawValue: "own_code")
        /// Nothing answers at the code's addresses.
        package static let unreachable = Code(rawValue: "unreachable")
        /// What answers there is in another swarm, or is another node.
        package static let refused = Code(rawValue: "refused")
        /// A record that is malformed, oversized, forged or from the future.
        package static let badRecord = Code(rawValue: "bad_record")
        /// The node is not listening yet, so that nobody could follow an invite.
        package static let notListening = Code(rawValue: "not_listening")
        /// What is asked of a member that is away, of one that is connected.
        package static let peerConnected = Code(rawValue: "peer_connected")
        /// No such peer is known.
        package static let unknownPeer = Code(rawValue: "unknown_peer")
        /// The key of the swarm cannot be kept.
        package static let storage = Code(rawValue: "storage")
    }

    package var code: Code
    /// What happened, to what, and what to do.
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    init(dialling place: String, _ error: LinkError) {
        switch error.code {
        case .notAMember:
            self.init(
                .refused, "\(place) is in another swarm: join it with an invite code (swarm://…) of its own",
                cause: error)
        case .wrongNode, .badCertificate:
            self.init(.refused, "\(error.message)", cause: error)
        case .badAddress:
            self.init(.badAddress, "\(error.message)", cause: error)
        default:
            self.init(.unreachable, "\(place) cannot be reached: \(error.message)", cause: error)
        }
    }

    package var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}
