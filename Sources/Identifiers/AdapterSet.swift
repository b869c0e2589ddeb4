/// The adapters that a session computes with. Sessions of different sets share nothing: no cells, and no kept prefixes.
package struct AdapterSet: Hashable, Sendable {
    /// One adapter, and how strongly it counts.
    package struct Use: Hashable, Sendable {
        /// BLAKE3 of the adapter's file: the same everywhere.
        package let digest: [UInt8]
        package let scale: Float

        package init(digest: [UInt8], scale: Float) {
            self.digest = digest
            self.scale = scale
        }
    }

    /// The model as it is.
    package static let none = AdapterSet()

    private static let digestLength = 32
    /// The most adapters of one session.
    private static let maximumCount = 16

    /// By digest; none twice.
    package let uses: [Use]

    private init() { uses = [] }

    /// Nil where an adapter is named twice, a digest is none, a scale is no number, or there are too many.
    package init?(_ uses: some Sequence<Use>) {
        let sorted = uses.sorted { $0.digest.lexicographicallyPrecedes($1.digest) }
        guard sorted.count <= Self.maximumCount,
            sorted.allSatisfy({ $0.digest.count == Self.digestLength && $0.scale.isFinite }),
            zip(sorted, sorted.dropFirst()).allSatisfy({ $0.digest != $1.digest })
        else { return nil }
        self.uses = sorted
    }

    package var isEmpty: Bool { uses.isEmpty }
}
