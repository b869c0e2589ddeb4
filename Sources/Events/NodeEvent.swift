package import FoundationEssentials

/// Something that happened on this node and that its operator may want to see.
///
/// Encodes as the node admin API's `activity_event`: snake-case keys, absent values left out, the time in RFC 3339.
package struct NodeEvent: Sendable, Hashable {
    /// How a dashboard should draw attention to an event.
    package enum ToastLevel: String, Sendable, Hashable, Codable {
        case info, warning, error, success
    }

    /// The area an event belongs to, such as `model`, `shard`, `inference`, `network` or `system`.
    package var category: String
    /// What happened, such as `shard_deleted`; the set is open.
    package var kind: String
    /// One sentence for people.
    package var message: String
    package var timestamp: Date
    package var modelID: String?
    package var modelName: String?
    /// The first sixteen hex digits of the id of the node concerned.
    package var nodeID: String?
    package var shardIndex: Int?
    package var detailNumber: Double?
    package var detailText: String?
    package var toastLevel: ToastLevel?
    package var toastDurationMilliseconds: Int?
    package var freedBytes: UInt64?
    package var holderCountBefore: Int?
    package var holderCountAfter: Int?
    package var remainingLocalShards: Int?

    package init(
        category: String, kind: String, message: String, timestamp: Date = Date(), modelID: String? = nil,
        modelName: String? = nil, nodeID: String? = nil, shardIndex: Int? = nil, detailNumber: Double? = nil,
        detailText: String? = nil, toastLevel: ToastLevel? = nil
    ) {
        self.category = category
        self.kind = kind
        self.message = message
        self.timestamp = timestamp
        self.modelID = modelID
        self.modelName = modelName
        self.nodeID = nodeID
        self.shardIndex = shardIndex
        self.detailNumber = detailNumber
        self.detailText = detailText
        self.toastLevel = toastLevel
    }
}

extension NodeEvent: Codable {
    private enum CodingKeys: String, CodingKey {
        case category, kind, message, timestamp
        case modelID = "model_id"
        case modelName = "model_name"
        case nodeID = "node_id"
        case shardIndex = "shard_index"
        case detailNumber = "detail_num"
        case detailText = "detail_str"
        case toastLevel = "toast_level"
        case toastDurationMilliseconds = "toast_duration_ms"
        case freedBytes = "freed_bytes"
        case holderCountBefore = "holder_count_before"
        case holderCountAfter = "holder_count_after"
        case remainingLocalShards = "remaining_local_shards"
    }

    private static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let time = try container.decode(String.self, forKey: .timestamp)
        guard let timestamp = try? Date(time, strategy: Self.timeFormat) else {
            throw DecodingError.dataCorruptedError(
                forKey: .timestamp, in: container, debugDescription: "not a time in RFC 3339: \"\(time)\""
            )
        }
        self.init(
            category: try container.decode(String.self, forKey: .category),
            kind: try container.decode(String.self, forKey: .kind),
            message: try container.decode(String.self, forKey: .message), timestamp: timestamp
        )
        modelID = try container.decodeIfPresent(String.self, forKey: .modelID)
        modelName = try container.decodeIfPresent(String.self, forKey: .modelName)
        nodeID = try container.decodeIfPresent(String.self, forKey: .nodeID)
        shardIndex = try container.decodeIfPresent(Int.self, forKey: .shardIndex)
        detailNumber = try container.decodeIfPresent(Double.self, forKey: .detailNumber)
        detailText = try container.decodeIfPresent(String.self, forKey: .detailText)
        toastLevel = try container.decodeIfPresent(ToastLevel.self, forKey: .toastLevel)
        toastDurationMilliseconds = try container.decodeIfPresent(Int.self, forKey: .toastDurationMilliseconds)
        freedBytes = try container.decodeIfPresent(UInt64.self, forKey: .freedBytes)
        holderCountBefore = try container.decodeIfPresent(Int.self, forKey: .holderCountBefore)
        holderCountAfter = try container.decodeIfPresent(Int.self, forKey: .holderCountAfter)
        remainingLocalShards = try container.decodeIfPresent(Int.self, forKey: .remainingLocalShards)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(category, forKey: .category)
        try container.encode(kind, forKey: .kind)
        try container.encode(message, forKey: .message)
        try container.encode(timestamp.formatted(Self.timeFormat), forKey: .timestamp)
        try container.encodeIfPresent(modelID, forKey: .modelID)
        try container.encodeIfPresent(modelName, forKey: .modelName)
        try container.encodeIfPresent(nodeID, forKey: .nodeID)
        try container.encodeIfPresent(shardIndex, forKey: .shardIndex)
        try container.encodeIfPresent(detailNumber, forKey: .detailNumber)
        try container.encodeIfPresent(detailText, forKey: .detailText)
        try container.encodeIfPresent(toastLevel, forKey: .toastLevel)
        try container.encodeIfPresent(toastDurationMilliseconds, forKey: .toastDurationMilliseconds)
        try container.encodeIfPresent(freedBytes, forKey: .freedBytes)
        try container.encodeIfPresent(holderCountBefore, forKey: .holderCountBefore)
        try container.encodeIfPresent(holderCountAfter, forKey: .holderCountAfter)
        try container.encodeIfPresent(remainingLocalShards, forKey: .remainingLocalShards)
    }
}
