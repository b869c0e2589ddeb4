package import GGUF
package import Identifiers
import Link
package import ModelLibrary

/// Who sends bytes of a shard.
package enum SupplierName: Sendable, Hashable {
    /// The publisher's hub.
    case hub
    case peer(NodeID)
}

/// Somebody who has bytes of a model's files and sends them.
package protocol ShardSupplier: Sendable {
    var name: SupplierName { get }

    /// Sends bytes of a shard, in pieces, in any order, each once.
    ///
    /// - Parameters:
    ///   - ranges: what to send, in file order; all of it lies in the shard.
    ///   - receive: takes the next bytes; the supplier sends no more before it has returned. What it throws ends the sending.
    /// - Throws: an error that says why not all of it came; what was received still counts. `CancellationError`.
    func send(
        _ ranges: [ByteRange], of shard: ShardIndex, model: LibraryModel,
        to receive: @Sendable (_ bytes: UnsafeRawBufferPointer, _ part: Int, _ offset: UInt64) async throws -> Void
    ) async throws
}
