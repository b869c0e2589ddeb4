internal import Dispatch

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// How fast the machine's processors read its memory, which is what bounds the decoding of tokens.
package enum MemoryBandwidth {
    /// Larger than the caches of most processors, so that it is memory that answers.
    package static let defaultBytes = 512 << 20
    private static let rounds = 4

    /// Reads a region of memory with all processors, several times, and takes the fastest. Needs that memory and about half a
    /// second of all processors: to be called in a process of its own.
    ///
    /// - Returns: bytes per second; nil where there is no such memory to be had.
    package static func measure(bytes: Int = defaultBytes, processors: Int? = nil) -> Double? {
        let threads = processors ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let piece = bytes / threads
        guard piece > 0 else { return nil }
        let region = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let region, region != MAP_FAILED else { return nil }
        defer { munmap(region, bytes) }
        let address = UInt(bitPattern: region)
        // Each thread uses what it wrote first, which lies near it. Unwritten pages would all be the same page of zeros.
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
