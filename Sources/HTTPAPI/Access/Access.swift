import Accounts

/// Why what a request shows proves nothing.
struct CredentialFault: Hashable, Sendable {
    var error: APIError
    /// Whether it is a key or a token, and not the cookie of a session.
    var isOfBearer: Bool
}

/// Who may call a route.
enum Access: Hashable, Sendable {
    /// Everybody, from everywhere.
    case everybody
    /// Anyone on loopback while open reads are on, else administrators.
    case openRead
    /// Like `openRead`, and every user: what concerns using models.
    case modelRead
    /// Anyone on loopback unless the configuration asks for the key, else administrators.
    case metrics
    /// Every user, and the node key.
    case user
    /// A user who may have nothing but a one-time password yet, and the node key.
    case ownAccount
    /// Administrators.
    case administrator
    /// Administrators on this machine.
    case administratorOnLoopback

    /// Checks that `caller` may go on.
    ///
    /// A key or token that is wrong is refused everywhere: whoever sends one means to be somebody. The session of a cookie, which browsers
    /// send by themselves, may have ended where everybody is let in.
    ///
    /// - Parameter fault: why the credentials that the request carried prove nothing; nil where it carried none.
    /// - Throws: 401 where nothing is proven, 403 where it is known who calls and they may not.
    func check(_ caller: Caller, fault: CredentialFault?, configuration: HTTPAPIConfiguration) throws(APIError) {
        if let fault, fault.isOfBearer || self != .everybody { throw fault.error }
        if isOpen(to: caller, configuration: configuration) { return }
        guard caller.isUser else { throw .unauthorized() }
        if let principal = caller.principal, principal.hasOneTimePassword, self != .ownAccount {
            throw .forbidden(
                "the password of \(principal.username) was made for one log-in; choose another one first",
                hint: "POST /api/auth/password takes current_password and new_password.")
        }
        switch self {
        case .everybody, .user, .ownAccount, .modelRead: return
        case .openRead, .metrics, .administrator:
            guard caller.isAdministrator else { throw .forbidden("this is for administrators") }
        case .administratorOnLoopback:
            guard caller.isAdministrator else { throw .forbidden("this is for administrators") }
            guard caller.isOnLoopback else {
                throw .forbidden("this can only be done from the machine that the node runs on")
            }
        }
    }

    /// Whether somebody who has proved nothing would get in from where this caller is.
    private func isOpen(to caller: Caller, configuration: HTTPAPIConfiguration) -> Bool {
        switch self {
        case .everybody: true
        case .openRead, .modelRead: caller.isOnLoopback && configuration.openReads
        case .metrics: caller.isOnLoopback && !configuration.metricsRequireKey
        case .user, .ownAccount, .administrator, .administratorOnLoopback: false
        }
    }
}
