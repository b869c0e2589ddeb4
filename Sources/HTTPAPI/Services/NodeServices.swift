package import Accounts
package import Cluster
package import Generation
package import Identifiers
import Link
package import Swarm

/// What the routes call: the node's domains as functions, given by the composition root.
///
/// What a test says without engines, peers and files is behind protocols or comes as functions. Accounts need nothing but a
/// database, and come as they are; so does the cluster.
package struct NodeServices: Sendable {
    /// What answers.
    package var backend: any GenerationBackend
    package var tokenizer: any Tokenizer
    package var models: any ModelService
    package var downloads: any DownloadService
    package var acquirer: any AcquisitionService
    package var keeper: any KeepingService
    package var hub: any HubService
    package var swarm: SwarmOperations
    package var node: NodeOperations
    package var accounts: AccountServices
    package var loras: any LoRAService
    package var loraLimits: LoRAUploadLimits
    package var training: TrainingOperations
    package var files: FileOperations
    package var cluster: ClusterMaster

    package init(
        backend: any GenerationBackend, tokenizer: any Tokenizer, models: any ModelService,
        downloads: any DownloadService,
        acquirer: any AcquisitionService, keeper: any KeepingService, hub: any HubService,
        swarm: SwarmOperations, node: NodeOperations, accounts: AccountServices,
        loras: any LoRAService, loraLimits: LoRAUploadLimits, training: TrainingOperations, files: FileOperations,
        cluster: ClusterMaster
    ) {
        self.backend = backend
        self.tokenizer = tokenizer
        self.models = models
        self.downloads = downloads
        self.acquirer = acquirer
        self.keeper = keeper
        self.hub = hub
        self.swarm = swarm
        self.node = node
        self.accounts = accounts
        self.loras = loras
        self.loraLimits = loraLimits
        self.training = training
        self.files = files
        self.cluster = cluster
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
