import GGUF
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

@testable import Acquisition

@Suite struct WantedShardsTests {
    @Test(arguments: [
        ("all", "0,2", "all"), ("fair-share", "all", "all"), ("0,2", "2-4", "0,2-4"),
        ("fair-share", "fair-share", "fair-share"), ("fair-share", "0,2", "fair-share+0,2"),
        ("fair-share+0", "2", "fair-share+0,2"), ("fair-share+0", "fair-share+7", "fair-share+0,7"),
        ("fair-share+0", "fair-share", "fair-share+0"), ("fair-share+0", "all", "all"),
    ])
    func `what is asked for twice is what was asked for each time, and no more`(
        one: String, other: String, both: String
    ) throws {
        let (left, right) = (try #require(WantedShards(stored: one)), try #require(WantedShards(stored: other)))
        #expect(left.stored == one)
        #expect(left.joined(with: right).stored == both)
        #expect(right.joined(with: left).stored == both)
    }

    @Test(arguments: ["", "fair-share+", "fair-share+x", "fair-share+all", "fair", "fair-share0", "1-"])
    func `what nobody stored is not read`(text: String) {
        #expect(WantedShards(stored: text) == nil)
    }

    @Test func `a share and some shards are both had`() throws {
        let manifest = ModelManifest(
            id: try modelID("m"), name: "M", architecture: "llama", layerCount: 12, fileType: "F32", parameterCount: 0,
            contextLength: nil, shardSizeBytes: 1, parts: [],
            shards: try (0..<12).map { number in
                let layers = try #require(LayerRange(first: number, end: number + 1))
                return ModelManifest.Shard(index: try shard(number), layers: layers, ranges: [], hash: nil)
            })
        let (own, peers) = (try node(1), try (2...4).map { try node($0) })
        func indices(_ wanted: WantedShards) throws -> Set<ShardIndex> {
            try wanted.indices(of: manifest, for: own, among: peers)
        }
        let share = try indices(.fairShare)
        #expect(!share.isEmpty && share.count < 12)
        let named = ShardSelection(Set(manifest.shardIndices.filter { !share.contains($0) }.prefix(1)))
        #expect(try indices(.fairShareAnd(named)) == share.union(named.indices))
        let missing = ShardSelection([try shard(12)])
        #expect(throws: AcquisitionError.self) { try indices(.fairShareAnd(missing)) }
    }
}
