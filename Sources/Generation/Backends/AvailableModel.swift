package import Identifiers

/// A model that this node or a peer holds something of.
package struct AvailableModel: Sendable {
    /// A window that is loaded on a node.
    package struct LoadedWindow: Sendable, Hashable {
        package let node: NodeID
        package let layers: LayerRange

        package init(node: NodeID, layers: LayerRange) {
            self.node = node
            self.layers = layers
        }
    }

    package let id: String
    package let name: String
    /// When this node came to know the model: seconds since 1970.
    package let createdUnixSeconds: Int
    package let architecture: String
    package let layerCount: Int
    package let shardCount: Int
    package let totalBytes: UInt64
    /// Tokens of prompt and answer together that one session may have; nil until this node has the header.
    package let contextLength: Int?
    /// The reachable nodes together can run it.
    package let isCovered: Bool
    /// Layers that no reachable node holds.
    package let missingLayers: [LayerRange]
    /// Shards that this node holds.
    package let heldShards: [Int]
    /// Nodes that hold at least one shard, this one included.
    package let holders: [NodeID]
    package let loadedWindows: [LoadedWindow]

    package init(
        id: String, name: String, createdUnixSeconds: Int, architecture: String, layerCount: Int, shardCount: Int,
        totalBytes: UInt64, contextLength: Int?, isCovered: Bool, missingLayers: [LayerRange], heldShards: [Int],
        holders: [NodeID], loadedWindows: [LoadedWindow]
    ) {
        self.id = id
        self.name = name
        self.createdUnixSeconds = createdUnixSeconds
        self.architecture = architecture
        self.layerCount = layerCount
        self.shardCount = shardCount
        self.totalBytes = totalBytes
        self.contextLength = contextLength
        self.isCovered = isCovered
        self.missingLayers = missingLayers
        self.heldShards = heldShards
        self.holders = holders
        self.loadedWindows = loadedWindows
    }
}
