import Acquisition
import BLAKE3
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

struct FairShareTests {
    @Test func `the order is BLAKE3 of node, model and shard`() throws {
        let me = try node(7)
        let hash = BLAKE3.hash(me.bytes + Array("tiny-q4".utf8) + [3, 1, 0, 0])
        let expected = hash.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(ShardRank(node: me, model: try modelID("tiny-q4"), shard: try shard(259)).value == expected)
        let order = BLAKE3.hash(me.bytes + Array("tiny-q4".utf8))
        #expect(
            ShardRank(node: me, model: try modelID("tiny-q4")).value
                == order.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    @Test func `equal hashes are told apart by the node`() throws {
        let model = try modelID("m")
        let ranks = try (0..<50).map { ShardRank(node: try node($0), model: model, shard: try shard(0)) }
        #expect(Set(ranks.map(\.value)).count == 50)
        #expect(ranks.sorted() == ranks.sorted { $0.value < $1.value })
    }

    @Test(arguments: [1, 2, 3, 7, 12, 24, 60], [1, 2, 3, 5, 8, 13, 40])
    func `when all have asked, every shard is covered evenly, in runs`(count: Int, nodes: Int) throws {
        let seed = UInt64(count * 1000 + nodes)
        var random = SeededRandom(seed: seed)
        let swarm = (0..<nodes).map { _ in random.node() }
        let model = try modelID("model-\(count)")
        var covered = [Int](repeating: 0, count: count)
        for member in swarm {
            let share = FairShare.shards(of: model, count: count, for: member, among: swarm.shuffled(using: &random))
                .map(\.rawValue)
            #expect(
                share == FairShare.shards(of: model, count: count, for: member, among: swarm + swarm).map(\.rawValue))
            let first = try #require(share.first)
            #expect(share == Array(first..<first + share.count), "seed \(seed)")
            #expect((max(1, count / nodes)...max(1, (count + nodes - 1) / nodes)).contains(share.count), "seed \(seed)")
            for index in share { covered[index] += 1 }
        }
        let least = try #require(covered.min())
        let most = try #require(covered.max())
        #expect(least >= 1 && most - least <= (nodes > count ? 1 : 0), "seed \(seed): \(covered)")
    }

    @Test func `a node alone gets everything, and of nothing nothing`() throws {
        let model = try modelID("m")
        #expect(FairShare.shards(of: model, count: 5, for: try node(1), among: []).map(\.rawValue) == [0, 1, 2, 3, 4])
        #expect(FairShare.shards(of: model, count: 5, for: try node(1), among: [try node(1)]).count == 5)
        #expect(FairShare.shards(of: model, count: 0, for: try node(1), among: [try node(2)]).isEmpty)
    }

    @Test func `which node gets the first layers differs from model to model`() throws {
        let swarm = try (1...5).map { try node($0) }
        let firsts = try (0..<60).map { number in
            let model = try modelID("model-\(number)")
            return try #require(
                swarm.first { FairShare.shards(of: model, count: 10, for: $0, among: swarm).first?.rawValue == 0 })
        }
        #expect(Set(firsts) == Set(swarm))
    }
}
