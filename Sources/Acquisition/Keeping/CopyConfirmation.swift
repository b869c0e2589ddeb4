import BLAKE3
import GRPCCore
package import Identifiers
import Link
package import ModelLibrary
package import Swarm
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes sure that another node keeps its copy of a shard, before this node gives up its own.
package struct CopyConfirmation: Sendable {
    /// How long the other node may take to answer.
    private static let limit: Duration = .seconds(8)

    private let library: ModelLibrary
    private let membership: any Membership

    package init(library: ModelLibrary, membership: any Membership) {
        self.library = library
        self.membership = membership
    }

    /// Asks a node whether it holds a shard with the same bytes as here, and will keep it.
    ///
    /// - Throws: `LinkError`, `RPCError`, where it cannot be asked; `LibraryError` of code `modelNotFound`.
    package func ask(_ node: NodeID, _ model: ModelID, _ shard: ShardIndex) async throws -> Bool {
        let known = try await library.model(model)
        let request = Shoal_V1_DescribeShardRequest.with {
            $0.modelID = model.rawValue
            $0.manifestHash = Data(known.manifestHash.bytes)
            $0.shard = UInt32(shard.rawValue)
            $0.givingUpOwn = true
        }
        var options = CallOptions.defaults
        options.timeout = Self.limit
        let answer = try await membership.channel(to: node).node.describeShard(request, options: options)
        guard answer.held, let hash = known.manifest[shard: shard]?.hash else { return false }
        return answer.hash.elementsEqual(hash.bytes)
    }
}
