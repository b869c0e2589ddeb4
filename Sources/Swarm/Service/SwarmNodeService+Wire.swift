package import GRPCCore
package import Identifiers
package import Link

/// What a node does for its peers beyond attending; the domains that can do it provide it.
package protocol NodeRequestHandler: Sendable {
    /// Makes sure that a window is loaded, reporting progress; the last report carries the endpoint.
    func prepareWindow(
        _ request: Shoal_V1_PrepareWindowRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_PrepareWindowProgress>
    ) async throws

    /// Sends the header of a model, and its manifest.
    func fetchHeader(
        _ request: Shoal_V1_FetchHeaderRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_FileChunk>) async throws
}

/// What a node sends of its shards to its peers.
package protocol ShardRequestHandler: Sendable {
    /// Whether a shard is held here, and its hash.
    func describeShard(_ request: Shoal_V1_DescribeShardRequest, from peer: NodeID) async throws
        -> Shoal_V1_ShardDescription

    /// Sends bytes of a shard.
    func fetchShard(
        _ request: Shoal_V1_FetchShardRequest, from peer: NodeID, response: RPCWriter<ShardChunk>) async throws
}

/// What the swarm port serves: with generated code, and bytes of shards beside it.
package struct SwarmNodeService: Shoal_V1_Node.SimpleServiceProtocol {
    private let swarm: SwarmService
    private let requests: any NodeRequestHandler
    private let shards: any ShardRequestHandler

    package init(swarm: SwarmService, requests: any NodeRequestHandler, shards: any ShardRequestHandler) {
        self.swarm = swarm
        self.requests = requests
        self.shards = shards
    }

    /// What sends bytes of shards.
    package var linkShards: LinkShards {
        LinkShards { [shards] request, peer, response in
            try await shards.fetchShard(request, from: peer, response: response)
        }
    }

    package func attend(
        request: RPCAsyncSequence<Shoal_V1_PeerMessage, any Error>, response: RPCWriter<Shoal_V1_PeerMessage>,
        context: ServerContext
    ) async throws {
        try await swarm.attend(request: request, response: response, context: context)
    }

    package func prepareWindow(
        request: Shoal_V1_PrepareWindowRequest, response: RPCWriter<Shoal_V1_PrepareWindowProgress>,
        context: ServerContext
    ) async throws {
        try await requests.prepareWindow(request, from: context.provenPeer, response: response)
    }

    package func fetchHeader(
        request: Shoal_V1_FetchHeaderRequest, response: RPCWriter<Shoal_V1_FileChunk>, context: ServerContext
    ) async throws {
        try await requests.fetchHeader(request, from: context.provenPeer, response: response)
    }

    package func describeShard(
        request: Shoal_V1_DescribeShardRequest, context: ServerContext
    ) async throws -> Shoal_V1_ShardDescription {
        try await shards.describeShard(request, from: context.provenPeer)
    }
}

extension ServerContext {
    /// Who calls.
    ///
    /// - Throws: `RPCError` where that is no other node.
    fileprivate var provenPeer: NodeID {
        get throws(RPCError) {
            guard let peer else {
                throw RPCError(code: .permissionDenied, message: "only another node may ask for this")
            }
            return peer
        }
    }
}
