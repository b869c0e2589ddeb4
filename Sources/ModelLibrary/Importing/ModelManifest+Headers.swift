import BLAKE3
import Bytes
import GGUF
package import Identifiers

extension ModelManifest {
    /// A file of a model that somebody else has: what a publisher tells of it, and its beginning.
    package struct RemotePart: Sendable {
        /// The file's own name, without folders.
        package var name: String
        package var sizeBytes: UInt64
        /// 64 lower-case hex digits; nil where the publisher does not tell.
        package var sha256: String?
        /// The bytes before tensor data, at least.
        package var header: [UInt8]

        package init(name: String, sizeBytes: UInt64, sha256: String?, header: [UInt8]) {
            self.name = name
            self.sizeBytes = sizeBytes
            self.sha256 = sha256
            self.header = header
        }
    }

    /// Describes a model of which only the headers are here. The shards' hashes are unknown.
    ///
    /// - Returns: the description, and the bytes before tensor data of each part, for
    ///   ``ModelLibrary/adoptHeader(_:parts:)``.
    /// - Throws: `LibraryError` of code `notAModel` where the headers are none of a model, or the files are too short for it.
    package static func describing(
        _ parts: [RemotePart], id: ModelID, shardSizeBytes: UInt64
    ) throws -> (manifest: ModelManifest, headers: [[UInt8]]) {
        let model: GGUFModel
        do {
            model = try GGUFModel(
                sources: parts.map { ($0.name, MemorySource($0.header, byteCount: $0.sizeBytes)) })
        } catch let error as GGUFError {
            throw LibraryError(
                .notAModel,
                "\(parts.first?.name ?? "it") is no GGUF model: \(error.message); choose another file", cause: error)
        }
        let headers = zip(model.parts, parts).map { part, remote in Array(remote.header.prefix(Int(part.headerBytes))) }
        let manifest = ModelManifest(
            id: id, name: model.name ?? id.rawValue, architecture: model.architecture, layerCount: model.layerCount,
            fileType: model.fileTypeName, parameterCount: model.parameterCount, contextLength: model.contextLength,
            shardSizeBytes: shardSizeBytes,
            parts: zip(parts, headers).enumerated().map { number, part in
                Part(
                    name: ModelSource.storedName(part.0.name, part: number, of: parts.count, id: id),
                    sizeBytes: part.0.sizeBytes, headerBytes: UInt64(part.1.count), headerHash: BLAKE3.hash(part.1),
                    sha256: part.0.sha256)
            },
            shards: ShardLayout(model: model, shardSizeBytes: shardSizeBytes).shards.map {
                Shard(index: ShardIndex(checked: $0.index), layers: $0.layers, ranges: $0.ranges, hash: nil)
            })
        return (manifest, headers)
    }
}
