package import BLAKE3
package import FoundationEssentials
package import GGUF
package import Identifiers

/// A model that this node knows, and what of it is on this disk.
package struct LibraryModel: Sendable, Hashable {
    package let manifest: ModelManifest
    /// `manifest.hash`, worked out once.
    package let manifestHash: BLAKE3.Digest
    /// Paths of the model's files, in part order; sparse where shards are missing, and of the original's size.
    package let paths: [String]
    /// The shards whose bytes are here and proven.
    package let held: Set<ShardIndex>
    /// When the model came into this library.
    package let added: Date

    init(manifest: ModelManifest, folder: String, held: Set<ShardIndex>, added: Date) {
        self.manifest = manifest
        manifestHash = manifest.hash
        paths = manifest.parts.map { "\(folder)/\($0.name)" }
        self.held = held
        self.added = added
    }

    package var id: ModelID { manifest.id }

    /// The contiguous layers that the held shards have together, in order.
    package var heldLayers: [LayerRange] { manifest.layers(coveredBy: held) }

    /// Bytes of the held shards; bytes that two of them list count once.
    package var heldBytes: UInt64 {
        let ranges = held.compactMap { manifest[shard: $0] }.flatMap(\.ranges)
        return ByteRange.joined(ranges).reduce(0) { $0 + $1.length }
    }

    /// Whether every shard is here: the files are byte for byte the original ones.
    package var isComplete: Bool { held.count == manifest.shards.count }

    /// Opens the headers of the model's files.
    package func open() throws -> GGUFModel {
        do {
            return try GGUFModel(parts: paths)
        } catch let error as GGUFError {
            throw LibraryError(
                .damaged, "the files of \(id) cannot be read: \(error); verify the model, or import it again",
                cause: error
            )
        }
    }
}

/// What happened to a model of the library.
package enum LibraryChange: Sendable, Hashable {
    case added(ModelID)
    /// Shards came or went.
    case updated(ModelID)
    case removed(ModelID)

    package var id: ModelID {
        switch self {
        case .added(let id), .updated(let id), .removed(let id): id
        }
    }
}
