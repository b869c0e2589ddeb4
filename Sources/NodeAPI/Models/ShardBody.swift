/// A shard in lists of models.
package struct ShardBody: Codable, Sendable, Hashable {
    package struct Progress: Codable, Sendable, Hashable {
        package var state: String
        package var progressPct: Int
        package var downloadedBytes: Int64
        package var totalBytes: Int64
    }

    package struct PeerProgress: Codable, Sendable, Hashable {
        package var nodeId: String
        @Nullable package var progressPct: Int?
    }

    package var index: Int
    package var sizeBytes: Int64
    package var local: Bool
    /// Nodes that hold it, this one included.
    package var holders: Int
    /// Some of the others.
    package var holderIds: [String]
    /// Never given up by the node itself.
    package var locked: Bool
    /// Not in `shard-storage`.
    package var inVram: Bool?
    /// There while this node fetches it.
    package var download: Progress?
    /// Other nodes that fetch it; left out where none does.
    package var peerDownloads: [PeerProgress]?
}
