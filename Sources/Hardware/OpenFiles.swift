#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How many files, connections among them, this process may have open.
package enum OpenFiles {
    /// Raises the limit as far as this process may, and answers what it is then.
    package static func raiseLimit() -> Int {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return fallback }
        var wanted = limit
        // More helps nobody, and some systems refuse what they call no limit.
        wanted.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, most))
        if wanted.rlim_cur != limit.rlim_cur, setrlimit(resource, &wanted) == 0 { limit = wanted }
        return Int(clamping: limit.rlim_cur)
    }

    private static let fallback = 256
    private static let most: rlim_t = 65_536
}
