package import FoundationEssentials

/// Something that happened on this node and that its operator may want to see.
package struct NodeEvent: Sendable, Hashable {
    /// How a dashboard should draw attention to an event.
    package enum ToastLevel: String, Sendable, Hashable, Codable {
        case info, warning, error, success
    }

    /// What happened, by category.
    package enum Content: Sendable, Hashable {
        /// Nil for a model that has no id yet.
        case model(ModelEvent, EventModel?)
        /// Nil where no shard in particular is meant.
        case shard(ShardEvent, Int?, EventModel)
        case inference(InferenceEvent, model: String)
        case network(NetworkEvent)
        case training(TrainingEvent, job: String)
        case system(SystemEvent)
    }

    package var content: Content
    /// One sentence for people.
    package var message: String
    package var timestamp: Date
    /// The first sixteen hex digits of the id of the node concerned.
    package var nodeID: String?
    package var toastLevel: ToastLevel?

    package init(
        _ content: Content, _ message: String, at timestamp: Date = Date(), node: String? = nil,
        toast: ToastLevel? = nil
    ) {
        self.content = content
        self.message = message
        self.timestamp = timestamp
        nodeID = node
        toastLevel = toast
    }
}

/// Which model an event is about.
package struct EventModel: Sendable, Hashable {
    package var id: String
    package var name: String?

    package init(id: String, name: String? = nil) {
        self.id = id
        self.name = name
    }
}

package enum ModelEvent: Sendable, Hashable {
    case imported, found, deleted
    case loaded(layers: String, seconds: Double)
    case unloaded(layers: String, freedBytes: UInt64)
    case loadFailed(layers: String)
    case probeStarted(repository: String)
    case downloadStarted, downloadPaused, downloadStalled, downloadCancelled
    case downloadCompleted(fromHub: Bool)
    case downloadFailed(fromHub: Bool)
    /// Nothing of it is fetched now.
    case passedOver(reason: String)
    case trustChanged(to: String)
}

package enum ShardEvent: Sendable, Hashable {
    case loaded, unloaded, damaged
    case deleted(freedBytes: UInt64, remaining: Int)
    case downloaded(fromPeers: Bool)
    case downloadFailed, downloadStalled
    /// It was decided to fetch it.
    case fetched(reason: String, sizeBytes: UInt64, holders: Int)
    case fetchFailed
    case pruned(reason: String, freedBytes: UInt64, holdersBefore: Int, holdersAfter: Int, remaining: Int)
    case pruneRefused(reason: String, holdersBefore: Int)
}

package enum InferenceEvent: Sendable, Hashable {
    case started
    case completed(tokens: Int)
    /// Engines ended in its session.
    case endedEngine
}

package enum NetworkEvent: Sendable, Hashable {
    case peerConnected, peerDisconnected, swarmLeft
}

package enum TrainingEvent: Sendable, Hashable {
    case queued, started
    /// From 0 to 1, where that is known.
    case progress(Double?)
    case ended(state: String)
}

package enum SystemEvent: Sendable, Hashable {
    case contributionChanged(to: String)
}
