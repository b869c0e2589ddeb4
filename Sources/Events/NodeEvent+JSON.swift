import FoundationEssentials

/// An event as the node admin API's `activity_event` has it: snake-case keys, absent values left out, the time in RFC 3339.
extension NodeEvent: Encodable {
    /// What some kinds of events have and others have not.
    package struct Fields: Sendable, Hashable {
        package var modelID: String?
        package var modelName: String?
        package var shardIndex: Int?
        package var detailNumber: Double?
        package var detailText: String?
        package var freedBytes: UInt64?
        package var holderCountBefore: Int?
        package var holderCountAfter: Int?
        package var remainingLocalShards: Int?

        fileprivate init(_ model: EventModel? = nil, shard: Int? = nil) {
            modelID = model?.id
            modelName = model?.name
            shardIndex = shard
        }
    }

    private enum CodingKeys: String, CodingKey {
        case category, kind, message, timestamp
        case modelID = "model_id"
        case modelName = "model_name"
        case nodeID = "node_id"
        case shardIndex = "shard_index"
        case detailNumber = "detail_num"
        case detailText = "detail_str"
        case toastLevel = "toast_level"
        case freedBytes = "freed_bytes"
        case holderCountBefore = "holder_count_before"
        case holderCountAfter = "holder_count_after"
        case remainingLocalShards = "remaining_local_shards"
    }

    private static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// `model`, `shard`, `inference`, `network`, `training` or `system`.
    package var category: String {
        switch content {
        case .model: "model"
        case .shard: "shard"
        case .inference: "inference"
        case .network: "network"
        case .training: "training"
        case .system: "system"
        }
    }

    /// What happened, such as `shard_deleted`; the set is open.
    package var kind: String {
        switch content {
        case .model(let event, _): event.kind
        case .shard(let event, _, _): event.kind
        case .inference(let event, _): event.kind
        case .network(let event): event.kind
        case .training(let event, _): event.kind
        case .system(let event): event.kind
        }
    }

    package var fields: Fields {
        switch content {
        case .model(let event, let model):
            var fields = Fields(model)
            event.fill(&fields)
            return fields
        case .shard(let event, let shard, let model):
            var fields = Fields(model, shard: shard)
            event.fill(&fields)
            return fields
        case .inference(let event, let model):
            var fields = Fields(EventModel(id: model))
            if case .completed(let tokens) = event { fields.detailNumber = Double(tokens) }
            return fields
        case .network: return Fields()
        case .training(let event, let job):
            var fields = Fields()
            fields.detailText = job
            if case .progress(let progress) = event { fields.detailNumber = progress }
            return fields
        case .system(.contributionChanged(let level)):
            var fields = Fields()
            fields.detailText = level
            return fields
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(category, forKey: .category)
        try container.encode(kind, forKey: .kind)
        try container.encode(message, forKey: .message)
        try container.encode(timestamp.formatted(Self.timeFormat), forKey: .timestamp)
        try container.encodeIfPresent(nodeID, forKey: .nodeID)
        try container.encodeIfPresent(toastLevel, forKey: .toastLevel)
        let fields = fields
        try container.encodeIfPresent(fields.modelID, forKey: .modelID)
        try container.encodeIfPresent(fields.modelName, forKey: .modelName)
        try container.encodeIfPresent(fields.shardIndex, forKey: .shardIndex)
        try container.encodeIfPresent(fields.detailNumber, forKey: .detailNumber)
        try container.encodeIfPresent(fields.detailText, forKey: .detailText)
        try container.encodeIfPresent(fields.freedBytes, forKey: .freedBytes)
        try container.encodeIfPresent(fields.holderCountBefore, forKey: .holderCountBefore)
        try container.encodeIfPresent(fields.holderCountAfter, forKey: .holderCountAfter)
        try container.encodeIfPresent(fields.remainingLocalShards, forKey: .remainingLocalShards)
    }
}

extension ModelEvent {
    fileprivate var kind: String {
        switch self {
        case .imported: "model_imported"
        case .found: "model_found"
        case .deleted: "model_deleted"
        case .loaded: "model_loaded"
        case .unloaded: "model_unloaded"
        case .loadFailed: "model_load_failed"
        case .probeStarted: "hf_probe_started"
        case .downloadStarted: "download_started"
        case .downloadPaused: "download_paused"
        case .downloadStalled: "hf_download_stalled"
        case .downloadCancelled: "download_cancelled"
        case .downloadCompleted(let fromHub): fromHub ? "hf_download_complete" : "download_complete"
        case .downloadFailed(let fromHub): fromHub ? "hf_download_failed" : "download_failed"
        case .passedOver: "auto_manage_passed_over"
        case .trustChanged: "model_trust_changed"
        }
    }

    fileprivate func fill(_ fields: inout NodeEvent.Fields) {
        switch self {
        case .loaded(let layers, let seconds): (fields.detailText, fields.detailNumber) = (layers, seconds)
        case .unloaded(let layers, let freedBytes): (fields.detailText, fields.freedBytes) = (layers, freedBytes)
        case .loadFailed(let text), .probeStarted(let text), .passedOver(let text), .trustChanged(let text):
            fields.detailText = text
        case .imported, .found, .deleted, .downloadStarted, .downloadPaused, .downloadStalled, .downloadCancelled,
            .downloadCompleted, .downloadFailed:
            break
        }
    }
}

extension ShardEvent {
    fileprivate var kind: String {
        switch self {
        case .loaded: "shard_loaded_memory"
        case .unloaded: "shard_unloaded_memory"
        case .damaged: "shard_damaged"
        case .deleted: "shard_deleted"
        case .downloaded(let fromPeers): fromPeers ? "shard_download_p2p" : "shard_download_complete"
        case .downloadFailed: "shard_download_failed"
        case .downloadStalled: "hf_download_stalled"
        case .fetched: "auto_manage_fetch"
        case .fetchFailed: "auto_manage_fetch_failed"
        case .pruned: "shard_pruned"
        case .pruneRefused: "shard_prune_refused"
        }
    }

    fileprivate func fill(_ fields: inout NodeEvent.Fields) {
        switch self {
        case .loaded, .unloaded, .damaged, .downloaded, .downloadFailed, .downloadStalled, .fetchFailed: break
        case .deleted(let freedBytes, let remaining):
            (fields.freedBytes, fields.remainingLocalShards) = (freedBytes, remaining)
        case .fetched(let reason, let sizeBytes, let holders):
            (fields.detailText, fields.detailNumber) = (reason, Double(sizeBytes))
            fields.holderCountBefore = holders
        case .pruned(let reason, let freedBytes, let holdersBefore, let holdersAfter, let remaining):
            (fields.detailText, fields.freedBytes) = (reason, freedBytes)
            (fields.holderCountBefore, fields.holderCountAfter) = (holdersBefore, holdersAfter)
            fields.remainingLocalShards = remaining
        case .pruneRefused(let reason, let holdersBefore):
            (fields.detailText, fields.holderCountBefore) = (reason, holdersBefore)
        }
    }
}

extension InferenceEvent {
    fileprivate var kind: String {
        switch self {
        case .started: "inference_request"
        case .completed: "inference_completed"
        case .endedEngine: "request_ended_engine"
        }
    }
}

extension NetworkEvent {
    fileprivate var kind: String {
        switch self {
        case .peerConnected: "peer_connected"
        case .peerDisconnected: "peer_disconnected"
        case .swarmLeft: "swarm_left"
        }
    }
}

extension TrainingEvent {
    fileprivate var kind: String {
        switch self {
        case .queued: "training_queued"
        case .started: "training_started"
        case .progress: "training_progress"
        case .ended(let state): "training_\(state)"
        }
    }
}

extension SystemEvent {
    fileprivate var kind: String {
        switch self {
        case .contributionChanged: "contribution_changed"
        }
    }
}
