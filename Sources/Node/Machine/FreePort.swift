#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A look at whether a port can be listened on, before anything is started that would have to be stopped again.
enum FreePort {
    /// - Parameters:
    ///   - host: an IP address, or `localhost`; others are left to the listener.
    ///   - flag: what chooses another port.
    /// - Throws: `NodeError` with `cannotListen` where another program has the port, or this user may not have it.
    static func check(host: String, port: Int, for what: String, flag: String) throws(NodeError) {
        guard port > 0, let failure = bindFailure(host == "localhost" ? "127.0.0.1" : host, port) else { return }
        let place = "cannot listen on \(host.contains(":") ? "[\(host)]" : host):\(port) for \(what)"
        switch failure {
        case EADDRINUSE:
            throw NodeError(
                .cannotListen,
                "\(place): another program has the port; stop that, or choose another one with \(flag) (0 takes any that is free)"
            )
        case EACCES:
            throw NodeError(.cannotListen, "\(place): this user may not; choose a port above 1023 with \(flag)")
        case EADDRNOTAVAIL:
            throw NodeError(.cannotListen, "\(place): that is no address of this machine; give one, or 0.0.0.0")
        default: return
        }
    }

    /// The error number of a listener's first steps; nil where they succeed or the host is no IP address.
    private static func bindFailure(_ host: String, _ port: Int) -> Int32? {
        var six = sockaddr_in6()
        var four = sockaddr_in()
        if inet_pton(AF_INET, host, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
            return tryBinding(AF_INET, &four)
        }
        if inet_pton(AF_INET6, host, &six.sin6_addr) == 1 {
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = in_port_t(UInt16(clamping: port)).bigEndian
            return tryBinding(AF_INET6, &six)
        }
        return nil
    }

    private static func tryBinding<Address>(_ family: Int32, _ address: inout Address) -> Int32? {
        #if canImport(Glibc)
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(family, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let size = socklen_t(MemoryLayout<Address>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        // Two may be bound to a port; one listens.
        return result != 0 || listen(descriptor, 1) != 0 ? errno : nil
    }
}
