import GGUF
import Hub
import ModelLibrary
import NIOCore

/// The hub as a sender of a model's bytes.
struct HubSupplier: ShardSupplier {
    let client: HubClient
    /// The model's files, in part order.
    let files: [HubFile]
    /// Called when what the hub said of the files does not hold any more.
    let forget: @Sendable () -> Void

    var name: SupplierName { .hub }

    func send(
        _ ranges: [ByteRange], of shard: ShardIndex, model: LibraryModel,
        to receive: @Sendable (_ bytes: UnsafeRawBufferPointer, _ part: Int, _ offset: UInt64) async throws -> Void
    ) async throws {
        for part in Set(ranges.map(\.part)).sorted() where files.indices.contains(part) {
            let wanted = ranges.filter { $0.part == part }.map { $0.offset..<$0.end }
            do {
                try await withoutActuallyEscaping(receive) { receive in
                    // One connection: whoever asks for pieces asks for several at once.
                    try await client.readAll(files[part], ranges: wanted, connections: 1) { buffer, offset in
                        let (bytes, storage) = buffer.withUnsafeReadableBytesWithStorageManagement { ($0, $1.retain()) }
                        defer { storage.release() }
                        try await receive(bytes, part, offset)
                    }
                }
            } catch let error as HubError {
                forget()
                throw AcquisitionError(error)
            }
        }
    }
}

extension AcquisitionError {
    /// What a hub's fault means for a download.
    init(_ error: HubError) {
        let final: [HubError.Code] = [
            .notFound, .gated, .unauthorized, .fileChanged, .sizeMismatch, .tooLarge, .notGGUF, .invalidName,
            .badConfiguration,
        ]
        self.init(.supplierFailed, error.message, cause: error, isFinal: final.contains(error.code))
    }
}
