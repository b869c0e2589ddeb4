package import GRPCCore
package import Identifiers

/// Sends bytes of shards to members of the swarm.
package struct LinkShards: Sendable {
    /// Sends what was asked for.
    package typealias Answer =
        @Sendable (_ request: Shoal_V1_FetchShardRequest, _ peer: NodeID, _ response: RPCWriter<ShardChunk>)
        async throws -> Void

    let answer: Answer

    package init(answer: @escaping Answer) {
        self.answer = answer
    }
}
