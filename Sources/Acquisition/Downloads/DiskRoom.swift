package import ModelLibrary

/// Bytes that models may still take of the disk: of what the operator allows them, and of what is free.
package struct DiskRoom: Sendable {
    /// What is left of the disk for everything else: the database, logs.
    static let reserveBytes: UInt64 = 32 << 20

    private let library: ModelLibrary
    private let limitBytes: UInt64

    /// - Parameter limitBytes: what models may take together.
    package init(library: ModelLibrary, limitBytes: UInt64) {
        self.library = library
        self.limitBytes = limitBytes
    }

    /// - Throws: `LibraryError`.
    package var bytes: UInt64 {
        get async throws {
            let held = await library.models().reduce(UInt64(0)) { $0 + $1.heldBytes }
            let arriving = try await library.arriving().reduce(UInt64(0)) { $0 + $1.writtenBytes }
            return Self.bytes(limit: limitBytes, used: held + arriving, free: try library.freeBytes())
        }
    }

    static func bytes(limit: UInt64, used: UInt64, free: UInt64) -> UInt64 {
        min(limit - min(limit, used), free - min(free, reserveBytes))
    }
}
