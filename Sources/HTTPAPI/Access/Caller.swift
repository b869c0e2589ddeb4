package import Accounts

/// What is proven about who sent a request.
package enum Caller: Hashable, Sendable {
    /// Nothing.
    case nobody
    /// Somebody on this machine who did not come through a foreign web page: the peer's address is loopback, the `Host` is a
    /// loopback name, and there is no `Origin` but the node's own.
    case loopback
    /// Somebody who holds the node key: an administrator.
    case nodeKey(onLoopback: Bool)
    /// A user, by a session, an API token or a JWT.
    case user(Principal, onLoopback: Bool)

    var isAdministrator: Bool {
        switch self {
        case .nobody, .loopback: false
        case .nodeKey: true
        case .user(let principal, _): principal.isAdministrator
        }
    }

    /// Whether it is a user, or somebody who may do what every user may.
    var isUser: Bool {
        switch self {
        case .nobody, .loopback: false
        case .nodeKey, .user: true
        }
    }

    var isOnLoopback: Bool {
        switch self {
        case .nobody: false
        case .loopback: true
        case .nodeKey(let isOnLoopback), .user(_, let isOnLoopback): isOnLoopback
        }
    }

    package var principal: Principal? {
        guard case .user(let principal, _) = self else { return nil }
        return principal
    }
}
