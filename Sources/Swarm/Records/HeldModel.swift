package import BLAKE3
package import Identifiers

/// What a node has of a model.
package struct HeldModel: Hashable, Sendable {
    package let id: ModelID
    package var name = ""
    package var architecture = ""
    /// BLAKE3 over the manifest: nodes whose hashes differ hold different models. Nil where what was sent is no hash.
    package var manifestHash: BLAKE3.Digest?
    package var totalBytes: UInt64 = 0
    package var shardCount = 0
    package var layerCount = 0
    /// The layers at which the model may be cut are multiples of this; nil for a model that runs only whole.
    package var cutAlignment: Int?
    /// Verified shards.
    package var shards: Set<ShardIndex> = []
    /// Shards that are on their way to the node.
    package var downloading: Set<ShardIndex> = []
    /// The contiguous runs of layers that its shards cover.
    package var layers: [LayerRange] = []
    package var loadedWindows: [LayerRange] = []
    /// Nil where it has not been measured.
    package var millisecondsPerLayer: Double?
    /// Where the publisher has the model, where that is known.
    package var hubSource: HubSource?

    package init(_ id: ModelID) {
        self.id = id
    }
}

/// A GGUF file on a hub, as a node names it. Nobody has checked that there can be such a file.
package struct HubSource: Hashable, Sendable {
    /// "owner/name".
    package var repository: String
    /// The path of the first part.
    package var file: String
    /// The commit; nil when not said.
    package var revision: String?

    package init(repository: String, file: String, revision: String? = nil) {
        self.repository = repository
        self.file = file
        self.revision = revision
    }
}
