import Generation

extension Share {
    /// A number for the caller that other nodes may see: the same while this process runs, and of no meaning beyond it.
    var opaqueCaller: UInt64 {
        // The hasher's key is random, made when the process starts.
        UInt64(truncatingIfNeeded: caller.hashValue)
    }
}
