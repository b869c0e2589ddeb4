package import GRPCCore
import GRPCProtobuf

/// The service that sends bytes of shards: `shoal.v1.Shards` of node.proto, with messages of its own.
package struct LinkShards: RegistrableRPCService {
    /// Sends what was asked for.
    package typealias Answer =
        @Sendable (_ request: Shoal_V1_FetchShardRequest, _ response: RPCWriter<ShardChunk>, _ context: ServerContext)
        async throws -> Void

    private let answer: Answer

    package init(answer: @escaping Answer) {
        self.answer = answer
    }

    package func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Shoal_V1_Shards.Method.Fetch.descriptor,
            deserializer: ProtobufDeserializer<Shoal_V1_FetchShardRequest>(), serializer: ShardChunkCoding()
        ) { [answer] request, context in
            let request = try await ServerRequest(stream: request).message
            return StreamingServerResponse { response in
                try await answer(request, response, context)
                return [:]
            }
        }
    }
}

extension LinkChannel {
    /// Asks for bytes of a shard.
    ///
    /// - Throws: what `body` throws; `RPCError` where there is no answer.
    package func fetchShard<Result: Sendable>(
        _ request: Shoal_V1_FetchShardRequest,
        body: @Sendable @escaping (StreamingClientResponse<ShardChunk>) async throws -> Result
    ) async throws -> Result {
        try await client.serverStreaming(
            request: ClientRequest(message: request), descriptor: Shoal_V1_Shards.Method.Fetch.descriptor,
            serializer: ProtobufSerializer<Shoal_V1_FetchShardRequest>(), deserializer: ShardChunkCoding(),
            options: .defaults, onResponse: body)
    }
}
