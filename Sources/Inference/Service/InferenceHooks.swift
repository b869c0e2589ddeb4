package import Identifiers
package import Swarm

/// What inference tells the rest of the node, and what the rest of the node adds to what it tells the swarm.
package struct InferenceHooks: Sendable {
    /// What the swarm is told of a model besides what is held and loaded of it.
    package struct Notes: Sendable {
        /// The shards that are on their way here.
        package var downloading: Set<ShardIndex>
        /// Where the publisher has the model.
        package var hubSource: HubSource?

        package init(downloading: Set<ShardIndex> = [], hubSource: HubSource? = nil) {
            self.downloading = downloading
            self.hubSource = hubSource
        }
    }

    /// A client asks for a model, under the name that it wrote; whether it can be served is not known yet. Must not wait.
    package var requested: @Sendable (_ model: String) -> Void = { _ in }
    /// What there is to say of a model, asked whenever the swarm is told of it.
    package var notes: @Sendable (ModelID) async -> Notes = { _ in Notes() }

    package init() {}
}
