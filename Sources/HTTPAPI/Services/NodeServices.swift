package import Accounts
package import Cluster
package import GGUF
package import Generation
package import Identifiers
import Link
package import Swarm

/// What the routes call: the node's domains as functions, given by the composition root.
///
/// Where there are functions and not the services themselves, it is, so that a test can say what happens without engines, peers and files. Accounts need
/// nothing but a database, and come as they are; so does the cluster.
package struct NodeServices: Sendable {
    /// What answers.
    package var backend: any GenerationBackend
    package var tokenizer: any Tokenizer
    package var models: ModelOperations
    package var acquisition: AcquisitionOperations
    package var swarm: SwarmOperations
    package var node: NodeOperations
    package var accounts: AccountServices
    package var loras: LoRAOperations
    package var training: TrainingOperations
    package var files: FileOperations
    package var cluster: ClusterMaster

    package init(
        backend: any GenerationBackend, tokenizer: any Tokenizer, models: ModelOperations,
        acquisition: AcquisitionOperations,
        swarm: SwarmOperations, node: NodeOperations, accounts: AccountServices,
        loras: LoRAOperations, training: TrainingOperations, files: FileOperations, cluster: ClusterMaster
    ) {
        self.backend = backend
        self.tokenizer = tokenizer
        self.models = models
        self.acquisition = acquisition
        self.swarm = swarm
        self.node = node
        self.accounts = accounts
        self.loras = loras
        self.training = training
        self.files = files
        self.cluster = cluster
    }
}

/// Models on disk and in memory. Ids come as the client wrote them.
package struct ModelOperations: Sendable {
    package var summaries: @Sendable () async throws -> ModelSummaryList
    /// The header of a model; nil where there is none. Throws `LibraryError`.
    package var metadata: @Sendable (_ model: String) async throws -> GGUFModel?
    package var unload: @Sendable (_ model: String) async throws -> ModelUnloading
    /// Loads a shard that is on disk; the shards that are loaded then.
    package var loadShard: @Sendable (_ model: String, _ shard: Int) async throws -> [Int]
    /// Unloads a shard; the shards that are still loaded.
    package var unloadShard: @Sendable (_ model: String, _ shard: Int) async throws -> [Int]
    /// Deletes a model from memory and disk; how many files went. Throws `InferenceError` while sessions use it.
    package var remove: @Sendable (_ model: String) async throws -> Int
    /// Deletes a shard from memory and disk. Throws `InferenceError` while sessions use it.
    package var removeShard: @Sendable (_ model: String, _ shard: Int) async throws -> Void
    /// Looks at the disk again; the models that changed.
    package var rescan: @Sendable () async throws -> [String]

    package init(
        summaries: @escaping @Sendable () async throws -> ModelSummaryList,
        metadata: @escaping @Sendable (_ model: String) async throws -> GGUFModel?,
        unload: @escaping @Sendable (_ model: String) async throws -> ModelUnloading,
        loadShard: @escaping @Sendable (_ model: String, _ shard: Int) async throws -> [Int],
        unloadShard: @escaping @Sendable (_ model: String, _ shard: Int) async throws -> [Int],
        remove: @escaping @Sendable (_ model: String) async throws -> Int,
        removeShard: @escaping @Sendable (_ model: String, _ shard: Int) async throws -> Void,
        rescan: @escaping @Sendable () async throws -> [String]
    ) {
        self.summaries = summaries
        self.metadata = metadata
        self.unload = unload
        self.loadShard = loadShard
        self.unloadShard = unloadShard
        self.remove = remove
        self.removeShard = removeShard
        self.rescan = rescan
    }
}

/// What unloading a model did.
package struct ModelUnloading: Sendable, Hashable {
    package var modelName: String
    package var windowsRemoved: Int
    package var freedBytes: Int

    package init(modelName: String, windowsRemoved: Int, freedBytes: Int) {
        self.modelName = modelName
        self.windowsRemoved = windowsRemoved
        self.freedBytes = freedBytes
    }
}

/// The other nodes.
package struct SwarmOperations: Sendable {
    /// The other nodes, and how far each is trusted as a supplier of shards, from 0 to 1.
    package var peers: @Sendable () async -> [(peer: Peer, trustScore: Double)]
    package var networkCode: @Sendable () async throws -> NetworkCode
    /// Joins by a `swarm://` code or a multiaddress; the address that was dialled.
    package var join: @Sendable (_ code: String) async throws -> String
    /// Leaves the swarm; how many peers were known there.
    package var leave: @Sendable () async throws -> Int
    /// Forgets a peer that is away.
    package var forget: @Sendable (_ peer: NodeID) async throws -> Void

    package init(
        peers: @escaping @Sendable () async -> [(peer: Peer, trustScore: Double)],
        networkCode: @escaping @Sendable () async throws -> NetworkCode,
        join: @escaping @Sendable (_ code: String) async throws -> String,
        leave: @escaping @Sendable () async throws -> Int,
        forget: @escaping @Sendable (_ peer: NodeID) async throws -> Void
    ) {
        self.peers = peers
        self.networkCode = networkCode
        self.join = join
        self.leave = leave
        self.forget = forget
    }
}

/// An invitation into the node's swarm.
package struct NetworkCode: Sendable, Hashable {
    /// `swarm://…`
    package var code: String
    package var nodeID: NodeID
    /// `/ip4/…/tcp/…/p2p/<node id>`, best first.
    package var listenAddresses: [String]
    package var peerCount: Int

    package init(code: String, nodeID: NodeID, listenAddresses: [String], peerCount: Int) {
        self.code = code
        self.nodeID = nodeID
        self.listenAddresses = listenAddresses
        self.peerCount = peerCount
    }
}

/// The node itself.
package struct NodeOperations: Sendable {
    /// The version of the program.
    package var version: String
    /// Now, in seconds since 1970.
    package var nowUnixSeconds: @Sendable () -> Int
    package var statistics: @Sendable () async -> NodeStatistics
    /// Each part of the node by name, and whether it can serve.
    package var readiness: @Sendable () async -> [(name: String, isReady: Bool)]
    /// Begins a graceful shutdown, and returns at once.
    package var shutDown: @Sendable () -> Void

    package init(
        version: String,
        nowUnixSeconds: @escaping @Sendable () -> Int,
        statistics: @escaping @Sendable () async -> NodeStatistics,
        readiness: @escaping @Sendable () async -> [(name: String, isReady: Bool)],
        shutDown: @escaping @Sendable () -> Void
    ) {
        self.version = version
        self.nowUnixSeconds = nowUnixSeconds
        self.statistics = statistics
        self.readiness = readiness
        self.shutDown = shutDown
    }
}
