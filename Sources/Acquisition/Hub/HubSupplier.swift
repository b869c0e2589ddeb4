import Exchange
import GGUF
package import Hub
import Identifiers
import ModelLibrary
import NIOCore

/// The hub as a sender of a model's bytes.
struct HubSupplier: ShardSupplier {
    let models: HubModels
    let origin: ModelOrigin

    var name: SupplierName { .hub }

    func send(
        _ ranges: [ByteRange], of shard: ShardIndex, model: LibraryModel,
        to receive: @Sendable (_ bytes: UnsafeRawBufferPointer, _ part: Int, _ offset: UInt64) async throws -> Void
    ) async throws {
        do {
            let files = try await models.files(of: model, at: origin)
            for part in Set(ranges.map(\.part)).sorted() where files.indices.contains(part) {
                let wanted = ranges.filter { $0.part == part }.map { $0.offset..<$0.end }
                try await withoutActuallyEscaping(receive) { receive in
                    // One connection: whoever asks for pieces asks for several at once.
                    try await models.client.readAll(files[part], ranges: wanted, connections: 1) { buffer, offset in
                        let (bytes, storage) = buffer.withUnsafeReadableBytesWithStorageManagement { ($0, $1.retain()) }
                        defer { storage.release() }
                        try await receive(bytes, part, offset)
                    }
                }
            }
        } catch let error as HubError {
            // What the hub said of the files may not hold any more.
            models.noteFailure(of: origin)
            throw AcquisitionError(error)
        }
    }
}

extension AcquisitionError {
    /// What a hub's fault means for a download.
    package init(_ error: HubError) {
        let final: [HubError.Code] = [
            .notFound, .gated, .unauthorized, .fileChanged, .sizeMismatch, .tooLarge, .notGGUF, .invalidName,
            .badConfiguration,
        ]
        self.init(.supplierFailed, error.message, cause: error, isFinal: final.contains(error.code))
    }
}
