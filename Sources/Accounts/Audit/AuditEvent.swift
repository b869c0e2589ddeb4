#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Who does something, and from where.
package struct AuditActor: Sendable, Hashable {
    /// As people read it: a username, `node key`, `command line`, `node`, `nobody`.
    package let name: String
    /// The user, where it is one.
    package let user: UserID?
    /// The address that the request came from.
    package let address: String?
    /// Who was proven, where that was before the request's content was read.
    let principal: Principal?
    /// How a user proved to be that user: `session`, `api_token 3`, `jwt` or `password`.
    package let proof: String?

    private init(
        name: String, user: UserID? = nil, address: String? = nil, principal: Principal? = nil, proof: String? = nil
    ) {
        self.name = name
        self.user = user
        self.address = address.map { AuditDetail.redacted($0) }
        self.principal = principal
        self.proof = proof
    }

    /// Somebody who proved to be a user.
    package static func principal(_ principal: Principal, from address: String?) -> AuditActor {
        AuditActor(
            name: principal.username.rawValue, user: principal.user, address: address, principal: principal,
            proof: principal.proof.description)
    }

    /// A user who has just shown their password.
    static func user(_ user: User, from address: String?) -> AuditActor {
        AuditActor(name: user.username.rawValue, user: user.id, address: address, proof: "password")
    }

    /// Whoever holds the node's key.
    package static func nodeKey(from address: String?) -> AuditActor {
        AuditActor(name: "node key", address: address)
    }

    /// Somebody who proved nothing.
    package static func nobody(from address: String?) -> AuditActor {
        AuditActor(name: "nobody", address: address)
    }

    /// Somebody with access to the data folder.
    package static let commandLine = AuditActor(name: "command line")
    /// The node by itself.
    package static let node = AuditActor(name: "node")
}

/// What was done. Open: other domains add theirs.
package struct AuditAction: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// - Parameter name: `<domain>.<what>`, in snake case.
    package init(_ name: StaticString) { description = "\(name)" }

    init(stored name: String) { description = name }

    package static let createUser = AuditAction("user.create")
    package static let updateUser = AuditAction("user.update")
    package static let deactivateUser = AuditAction("user.deactivate")
    package static let deleteUser = AuditAction("user.delete")
    package static let changePassword = AuditAction("user.change_password")
    package static let bootstrap = AuditAction("user.bootstrap")
    package static let grantTokens = AuditAction("ledger.grant")
    package static let logIn = AuditAction("session.log_in")
    package static let logOut = AuditAction("session.log_out")
    package static let issueJWT = AuditAction("jwt.issue")
    package static let createAPIToken = AuditAction("api_token.create")
    package static let revokeAPIToken = AuditAction("api_token.revoke")
}

/// Whom or what it was done to.
package struct AuditSubject: Sendable, Hashable {
    /// As people read it, such as `user 7 ada` or `api_token 3 laptop`.
    package let description: String
    /// The user concerned, where one is.
    package let user: UserID?

    private init(_ description: String, user: UserID? = nil) {
        self.description = description
        self.user = user
    }

    /// - Parameter username: nil where it is not known.
    package static func user(_ id: UserID, _ username: Username?) -> AuditSubject {
        AuditSubject(username.map { "user \(id) \($0)" } ?? "user \(id)", user: id)
    }

    /// A user that does not exist, or not yet.
    package static func username(_ username: Username?) -> AuditSubject {
        AuditSubject(username.map { "user \($0)" } ?? "user")
    }

    /// What has a name of its own, such as a LoRA file, just as it is called.
    package static func thing(_ kind: StaticString, _ name: some AuditedName, user: UserID? = nil) -> AuditSubject {
        AuditSubject("\(kind) \(name)", user: user)
    }

    /// Anything else, such as a cluster token: what looks like a credential in the name is struck out.
    package static func thing(_ kind: StaticString, _ name: String, user: UserID? = nil) -> AuditSubject {
        AuditSubject("\(kind) \(AuditDetail.redacted(name))", user: user)
    }

    init(stored description: String, user: UserID?) {
        self.init(description, user: user)
    }
}

/// What became of it.
package enum AuditOutcome: String, Sendable, Hashable {
    case done
    /// Not allowed, or not possible.
    case refused
    /// Allowed and tried, and it went wrong.
    case failed
}

/// Something that the audit log is to say.
package struct AuditEvent: Sendable, Hashable {
    package var actor: AuditActor
    package var action: AuditAction
    package var subject: AuditSubject
    package var outcome: AuditOutcome
    package var details: [AuditDetail]

    package init(
        _ actor: AuditActor, _ action: AuditAction, on subject: AuditSubject, outcome: AuditOutcome = .done,
        details: [AuditDetail] = []
    ) {
        self.actor = actor
        self.action = action
        self.subject = subject
        self.outcome = outcome
        self.details = details
    }

    /// The same about another subject: one that is known better by now.
    func about(_ subject: AuditSubject) -> AuditEvent {
        var event = self
        event.subject = subject
        return event
    }

    func refused(_ error: AccountError) -> AuditEvent {
        var event = self
        event.outcome = .refused
        event.details.append(.refusal(error.code))
        return event
    }
}

/// A line of the audit log.
package struct AuditEntry: Sendable, Hashable {
    package let id: Int64
    package let date: Date
    /// As people read it.
    package let actor: String
    package let actorUser: UserID?
    package let action: AuditAction
    package let subject: AuditSubject
    package let address: String?
    package let outcome: AuditOutcome
    package let details: [AuditDetail]
}

extension Username {
    /// Whether the audit log calls somebody by this name who is no user.
    var isReserved: Bool { [AuditActor.nobody(from: nil).name, AuditActor.node.name].contains(folded) }
}
