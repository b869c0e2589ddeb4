/// Who may call a route.
enum Access: Hashable, Sendable {
    /// Everybody, from everywhere.
    case everybody
    /// Anyone on loopback while open reads are on, else administrators.
    case openRead
    /// Anyone on loopback unless the configuration asks for the key, else administrators.
    case metrics
    /// Administrators.
    case administrator
    /// Administrators on this machine.
    case administratorOnLoopback

    /// Checks that `caller` may go on.
    ///
    /// - Throws: 401 where the key is missing or wrong, 403 where the key is right and the place is not.
    func check(_ caller: Caller, configuration: HTTPAPIConfiguration) throws(APIError) {
        switch self {
        case .everybody: return
        case .openRead:
            if caller.isAdministrator { return }
            if caller == .loopback, configuration.openReads { return }
        case .metrics:
            if caller.isAdministrator { return }
            if caller == .loopback, !configuration.metricsRequireKey { return }
        case .administrator:
            if caller.isAdministrator { return }
        case .administratorOnLoopback:
            if caller == .nodeKey(onLoopback: true) { return }
            if caller.isAdministrator {
                throw .forbidden("this can only be done from the machine that the node runs on")
            }
        }
        throw .unauthorized()
    }
}
