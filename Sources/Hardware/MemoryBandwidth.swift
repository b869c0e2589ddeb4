internal import Dispatch

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// How fast the machine's processors read its memory, which is what bounds the decoding of tokens.
package enum MemoryBandwidth {
    /// Larger than the caches of most processors, so that it is memory that answers.
    private static let wantedBytes = 512 << 20
    /// What says nothing about memory is not measured.
    private static let fewestBytes = 64 << 20
    /// The part of what is free that may be taken for a moment.
    private static let share = 4
    private static let rounds = 4

    /// Measures with as much memory as may be taken. Needs about half a second of all processors: to be called in a process of its
    /// own.
    ///
    /// - Returns: bytes per second; nil where too little memory is free.
    package static func measure() -> Double? {
        let group = "/sys/fs/cgroup/memory."
        return affordableBytes(
            meminfo: text("/proc/meminfo") ?? "", limit: text(group + "max"), used: text(group + "current")
        ).flatMap { measure(bytes: $0) }
    }

    /// How much memory may be taken for a moment; nil for too little. Texts are the kernel's: `/proc/meminfo`, and a container's limit
    /// and use (cgroup v2).
    static func affordableBytes(meminfo: String, limit: String?, used: String?) -> Int? {
        func bytes(_ text: String?) -> Int? { text.flatMap { Int($0.prefix { $0.isASCII && $0.isNumber }) } }
        let line = meminfo.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        var free = kilobytes.multipliedReportingOverflow(by: 1024).partialValue
        if let limit = bytes(limit), let used = bytes(used) { free = min(free, limit - used) }
        let affordable = min(wantedBytes, free / share)
        return affordable >= fewestBytes ? affordable : nil
    }

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Reads a region of memory with all processors, several times, and takes the fastest.
    ///
    /// - Returns: bytes per second; nil where the system gives no such region.
    static func measure(bytes: Int, processors: Int? = nil) -> Double? {
        let threads = processors ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let piece = bytes / threads
        guard piece > 0 else { return nil }
        let region = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let region, region != MAP_FAILED else { return nil }
        defer { munmap(region, bytes) }
        let address = UInt(bitPattern: region)
        // The first round writes: pages that nobody has written are all the same page of zeros.
        return (0...rounds).compactMap { round in
            let begin = ContinuousClock.now
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                guard let part = UnsafeMutableRawPointer(bitPattern: address + UInt(thread * piece)) else { return }
                if round == 0 {
                    memset(part, 1, piece)
                } else {
                    // The C library's search for a byte that is not there is written for the processor's widest registers.
                    precondition(memchr(part, 2, piece) == nil)
                }
            }
            let seconds = begin.duration(to: .now) / .seconds(1)
            return round == 0 || seconds <= 0 ? nil : Double(piece * threads) / seconds
        }.max()
    }
}
