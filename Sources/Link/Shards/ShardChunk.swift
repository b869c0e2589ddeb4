package import NIOCore

/// Bytes of a shard as they travel.
package struct ShardChunk: Sendable {
    /// The part of the model that the bytes are in.
    package let part: UInt32
    /// Where in the part they begin.
    package let offset: UInt64
    package let bytes: ByteBuffer

    package init(part: UInt32, offset: UInt64, bytes: ByteBuffer) {
        self.part = part
        self.offset = offset
        self.bytes = bytes
    }

    /// - Parameters:
    ///   - count: how many bytes there are.
    ///   - fill: writes every one of them.
    /// - Throws: what `fill` throws.
    package init(
        part: UInt32, offset: UInt64, count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows {
        var bytes = ByteBufferAllocator().buffer(capacity: count)
        try bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            try fill(UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
            return count
        }
        self.init(part: part, offset: offset, bytes: bytes)
    }

    /// How many bytes there are.
    package var count: Int { bytes.readableBytes }

    /// Calls `body` with the bytes, which nobody changes meanwhile and which are gone after it.
    package func withUnsafeBytes<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (UnsafeRawBufferPointer) async throws -> Result
    ) async rethrows -> Result {
        // The storage is shared with `bytes`, which is a constant: it stays where and as it is for as long as it is held.
        let (pointer, storage) = bytes.withUnsafeReadableBytesWithStorageManagement { ($0, $1.retain()) }
        defer { storage.release() }
        return try await body(pointer)
    }
}
