import BLAKE3
package import GRPCCore
package import Identifiers
package import Link
import Swarm
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ShardServer: ShardRequestHandler {
    package func describeShard(
        _ request: Shoal_V1_DescribeShardRequest, from peer: NodeID
    ) async throws -> Shoal_V1_ShardDescription {
        let hash = try await hash(of: ShardRequest(request), givingUpOwn: request.givingUpOwn)
        return .with { description in
            guard let hash else { return }
            description.held = true
            description.hash = Data(hash.bytes)
        }
    }

    package func fetchShard(
        _ request: Shoal_V1_FetchShardRequest, from peer: NodeID, response: RPCWriter<ShardChunk>
    ) async throws {
        try await send(ShardRequest(request), to: peer, over: response) { own in
            try ShardRequest.ranges(of: request, within: own)
        }
    }
}
