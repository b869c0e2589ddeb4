#if canImport(Glibc)
    import Glibc
#endif

/// How the C library keeps memory that was freed.
enum Allocator {
    // malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX.
    private static let trimThreshold: Int32 = -1
    private static let mapThreshold: Int32 = -3
    private static let arenas: Int32 = -8

    /// Has freed memory go back to the system sooner.
    ///
    /// glibc gives each thread an arena, and once a large block was freed keeps up to 64 MiB at the end of each: what a
    /// transfer needed for a moment would stay resident. Where the C library is another one nothing happens.
    static func giveBackSooner() {
        #if canImport(Glibc)
            typealias Mallopt = @convention(c) (_ parameter: Int32, _ value: Int32) -> Int32
            guard let symbol = dlsym(nil, "mallopt") else { return }
            let mallopt = unsafeBitCast(symbol, to: Mallopt.self)
            _ = mallopt(arenas, 2)
            // Above the buffers of a transfer: mapping and unmapping those would cost more than sending them.
            _ = mallopt(mapThreshold, 1 << 20)
            _ = mallopt(trimThreshold, 1 << 20)
        #endif
    }

    /// Gives back what is free between things that are not: after much was freed at once. Takes a few milliseconds.
    static func giveBack() {
        #if canImport(Glibc)
            typealias Trim = @convention(c) (_ padding: Int) -> Int32
            guard let symbol = dlsym(nil, "malloc_trim") else { return }
            _ = unsafeBitCast(symbol, to: Trim.self)(0)
        #endif
    }
}
