package import GRPCCore
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
        _ request: Shoal_V1_FetchShardRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_ShardChunk>) async throws
}

/// The gRPC service of the swarm port.
package struct SwarmNodeService: Shoal_V1_Node.SimpleServiceProtocol {
    private let swarm: SwarmService
    private let requests: any NodeRequestHandler
    private let shards: any ShardRequestHandler

    package init(swarm: SwarmService, requests: any NodeRequestHandler, shards: any ShardRequestHandler) {
        self.swarm = swarm
        self.requests = requests
        self.shards = shards
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
        try await requests.prepareWindow(request, from: try peer(context), response: response)
    }

    package func fetchHeader(
        request: Shoal_V1_FetchHeaderRequest, response: RPCWriter<Shoal_V1_FileChunk>, context: ServerContext
    ) async throws {
        try await requests.fetchHeader(request, from: try peer(context), response: response)
    }

    package func describeShard(
        request: Shoal_V1_DescribeShardRequest, context: ServerContext
    ) async throws -> Shoal_V1_ShardDescription {
        try await shards.describeShard(request, from: try peer(context))
    }

    package func fetchShard(
        request: Shoal_V1_FetchShardRequest, response: RPCWriter<Shoal_V1_ShardChunk>, context: ServerContext
    ) async throws {
        try await shards.fetchShard(request, from: try peer(context), response: response)
    }

    private func peer(_ context: ServerContext) throws -> NodeID {
        guard let peer = context.peer else {
            throw RPCError(code: .permissionDenied, message: "only another node may ask for this")
        }
        return peer
    }
}
