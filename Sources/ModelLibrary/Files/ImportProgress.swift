/// How far an import is.
package struct ImportProgress: Sendable, Hashable {
    package enum Phase: String, Sendable, Hashable {
        /// Reading the source and working out the hash of each shard.
        case hashing
        /// Copying bytes; left out where the disk can share them.
        case copying
        /// Reading back what was copied.
        case verifying
    }

    package var phase: Phase
    package var completedBytes: UInt64
    package var totalBytes: UInt64

    /// 0…1.
    package var fraction: Double { totalBytes == 0 ? 1 : Double(completedBytes) / Double(totalBytes) }
}
