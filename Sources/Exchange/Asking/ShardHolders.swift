package import BLAKE3
package import Identifiers
import Link
import ModelLibrary
package import Swarm

/// The nodes of the swarm that hold a shard, and what they say of it.
package struct ShardHolders: Sendable {
    /// Nodes that are asked for a hash at most.
    private static let questionLimit = 9
    /// How long each may take to answer.
    private static let answerLimit: Duration = .seconds(5)

    private let membership: any Membership
    private let reputation: PeerReputation

    package init(membership: any Membership, reputation: PeerReputation) {
        self.membership = membership
        self.reputation = reputation
    }

    /// The connected nodes that say they hold a shard of this very model, and may be asked for it: those of the same network
    /// first, then the nearer ones, of those that are about as near the more trusted.
    package func holders(of shard: ShardID, manifestHash: BLAKE3.Digest) -> [NodeID] {
        let ranked = membership.peers().compactMap { peer -> Rank? in
            guard peer.isConnected, peer.healthy, !reputation.isQuarantined(peer.id, for: shard),
                let held = peer.record?.models.first(where: { $0.id == shard.model }),
                held.manifestHash == manifestHash, held.shards.contains(shard.index)
            else { return nil }
            return Rank(peer, score: reputation.score(of: peer.id))
        }
        return ranked.sorted().map(\.peer)
    }

    private struct Rank: Comparable {
        let isFar: Bool
        /// The logarithm of the round trip: what is measured varies by less than twofold by itself.
        let distance: Int
        let distrust: Double
        let roundTrip: Duration
        let peer: NodeID

        init(_ peer: Peer, score: Double) {
            isFar = !peer.isLocal
            roundTrip = peer.minimumRoundTrip ?? peer.roundTrip ?? .seconds(1)
            distance = max(0.25, roundTrip.milliseconds).exponent
            distrust = 1 - score
            self.peer = peer.id
        }

        static func < (left: Rank, right: Rank) -> Bool {
            if left.isFar != right.isFar { return right.isFar }
            return (left.distance, left.distrust, left.roundTrip, left.peer)
                < (right.distance, right.distrust, right.roundTrip, right.peer)
        }
    }

    /// The hash of a shard that the manifest does not tell: the one that most of its holders name.
    ///
    /// - Throws: `ExchangeError` with `hashUnknown`, where nobody answers or as many name one hash as another;
    ///   `CancellationError`.
    package func describe(_ shard: ShardID, manifestHash: BLAKE3.Digest) async throws -> BLAKE3.Digest {
        let request = ShardRequest(shard, manifestHash: manifestHash)
        let asked = holders(of: shard, manifestHash: manifestHash).prefix(Self.questionLimit)
        let answers = await withTaskGroup(of: BLAKE3.Digest?.self) { group in
            for peer in asked {
                group.addTask { try? await request.hash(from: peer, membership, within: Self.answerLimit) }
            }
            return await group.reduce(into: [BLAKE3.Digest: Int]()) { counts, hash in
                if let hash { counts[hash, default: 0] += 1 }
            }
        }
        try Task.checkCancellation()
        guard let most = answers.max(by: { $0.value < $1.value }) else {
            throw ExchangeError(.hashUnknown, "none of \(asked.count) holders has told what the hash of \(shard) is")
        }
        guard answers.count(where: { $0.value == most.value }) == 1 else {
            throw ExchangeError(
                .hashUnknown, "the holders of \(shard) name \(answers.count) different hashes, none of them most often")
        }
        return most.key
    }
}
