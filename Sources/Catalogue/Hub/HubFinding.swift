package import Acquisition
package import Hub

/// What to look for on a hub.
package struct HubSearch: Sendable, Hashable {
    package var text: String
    /// Only models that are made for one of these; empty: any.
    package var tasks: Set<ModelTask>
    /// Most repositories to answer.
    package var limit: Int

    package init(text: String, tasks: Set<ModelTask> = [], limit: Int) {
        self.text = text
        self.tasks = tasks
        self.limit = limit
    }
}

/// A repository that was found, and what this node and the swarm could do with it.
package struct HubFinding: Sendable {
    package var repository: HubRepository
    package var variants: [HubVariant]
    package var downloads: Int
    package var likes: Int
    package var tasks: Set<ModelTask>
    /// Nodes of the swarm that hold something of it.
    package var replicas: Int
    /// Of the recommended variant.
    package var appraisal: ModelAppraisal

    package init(
        repository: HubRepository, variants: [HubVariant], downloads: Int, likes: Int, tasks: Set<ModelTask> = [],
        replicas: Int, appraisal: ModelAppraisal
    ) {
        self.repository = repository
        self.variants = variants
        self.downloads = downloads
        self.likes = likes
        self.tasks = tasks
        self.replicas = replicas
        self.appraisal = appraisal
    }
}

/// What the header of a file on a hub says, and what would become of it here.
package struct HeaderProbe: Sendable, Hashable {
    package var sizeBytes: UInt64
    package var headerBytes: UInt64
    package var shardCount: Int
    package var architecture: String
    package var isSupported: Bool
    /// Nodes of the swarm that hold something of it.
    package var replicas: Int

    package init(
        sizeBytes: UInt64, headerBytes: UInt64, shardCount: Int, architecture: String, isSupported: Bool, replicas: Int
    ) {
        self.sizeBytes = sizeBytes
        self.headerBytes = headerBytes
        self.shardCount = shardCount
        self.architecture = architecture
        self.isSupported = isSupported
        self.replicas = replicas
    }
}
