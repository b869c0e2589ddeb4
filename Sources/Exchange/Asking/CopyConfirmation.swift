import BLAKE3
package import Identifiers
import Link
package import ModelLibrary
package import Swarm

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
        guard let hash = known.manifest[shard: shard]?.hash else { return false }
        let request = ShardRequest(ShardID(model: model, index: shard), manifestHash: known.manifestHash)
        return try await request.hash(from: node, membership, givingUpOwn: true, within: Self.limit) == hash
    }
}
