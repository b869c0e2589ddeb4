/// What is proven about who sent a request.
package enum Caller: Hashable, Sendable {
    /// Nothing.
    case nobody
    /// Somebody on this machine who did not come through a foreign web page: the peer's address is loopback, the `Host` is a
    /// loopback name, and there is no `Origin` but the node's own.
    case loopback
    /// Somebody who holds the node key: an administrator.
    case nodeKey(onLoopback: Bool)

    var isAdministrator: Bool {
        switch self {
        case .nobody, .loopback: false
        case .nodeKey: true
        }
    }
}
