/// How much memory an engine process may have: what its windows were reckoned to take, and some more.
package struct MemoryReckoning: Sendable, Equatable {
    /// Bytes of all loaded windows, each with its sessions.
    package var windows: UInt64 = 0
    /// What the process had besides them when a window had been loaded last: libraries, drivers.
    package var others: UInt64 = 0

    /// Beyond a quarter more.
    private static let margin: UInt64 = 512 << 20

    package init(windows: UInt64 = 0, others: UInt64 = 0) {
        self.windows = windows
        self.others = others
    }

    package var limitBytes: UInt64 {
        let reckoned = windows &+ others
        return reckoned + reckoned / 4 + Self.margin
    }

    package func isExceeded(by resident: UInt64) -> Bool { resident > limitBytes }

    /// Bytes of one window: weights and cache as the library says, and what it set aside for computing.
    ///
    /// - Parameter growth: How much address space the load took. Drivers of GPUs map far more than they use; that counts in
    ///   proportion only.
    package static func window(weights: UInt64, cache: UInt64, growth: UInt64) -> UInt64 {
        let known = weights + cache
        return min(max(growth, known), known * 2 + (4 << 30))
    }
}
