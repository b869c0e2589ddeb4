package import GRPCCore

extension LinkChannel {
    /// Asks for bytes of a shard, over a connection of its own to the same place.
    ///
    /// - Parameter body: gets the bytes in the order in which they are sent, in pieces of any size.
    /// - Throws: what `body` throws; `RPCError` where there is no answer; `LinkError` where there is no connection.
    package func fetchShard<Result: Sendable>(
        _ request: Shoal_V1_FetchShardRequest,
        body: (RPCAsyncSequence<ShardChunk, any Error>) async throws -> Result
    ) async throws -> Result {
        guard let shards else {
            throw LinkError(.unreachable, "a process of this machine does not send shards")
        }
        let connection = try await shards.take()
        do {
            let answer = try connection.ask(request)
            let result = try await body(RPCAsyncSequence(wrapping: answer))
            shards.giveBack(connection)
            return result
        } catch {
            shards.giveBack(connection)
            throw error
        }
    }
}
