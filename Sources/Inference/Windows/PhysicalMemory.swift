#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The machine's memory.
enum PhysicalMemory {
    /// Bytes that the machine has; of a container with a limit, that limit (cgroup v2).
    static var bytes: UInt64 {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let size = sysconf(Int32(_SC_PAGESIZE))
        let machine = pages > 0 && size > 0 ? UInt64(pages) * UInt64(size) : 8 << 30
        guard let file = fopen("/sys/fs/cgroup/memory.max", "r") else { return machine }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 32)
        guard fgets(&text, Int32(text.count), file) != nil else { return machine }
        let limit = strtoull(text, nil, 10)
        return limit > 0 ? min(machine, UInt64(limit)) : machine
    }
}
