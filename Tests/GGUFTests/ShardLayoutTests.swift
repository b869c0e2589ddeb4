import Bytes
import GGUF
import Identifiers
import ShoalTestSupport
import Testing

@Suite("Shard layout")
struct ShardLayoutTests {
    /// Models of random layer sizes, with the shard size to cut them by.
    static let cases: [(seed: UInt64, tied: Bool)] = (0..<40).map { ($0, $0 % 3 == 0) }

    private static func model(seed: UInt64, tied: Bool) throws -> (model: GGUFModel, shardSizeBytes: UInt64) {
        var generator = SeededRandom(seed: seed)
        let elements = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
            32 * Int.random(in: 1...20, using: &generator)
        }
        let model = try SampleModel.model(
            try SampleModel.writer(
                layerElements: elements, vocabulary: Int.random(in: 1...60, using: &generator), tied: tied,
                alignment: [nil, 64, 4096][Int.random(in: 0...2, using: &generator)]))
        return (model, UInt64.random(in: 1...model.tensorBytes + 1000, using: &generator))
    }

    @Test("layers are dealt out in order, at least one to each shard", arguments: cases)
    func layersArePartitioned(_ seed: UInt64, tied: Bool) throws {
        let (model, size) = try Self.model(seed: seed, tied: tied)
        let layout = ShardLayout(model: model, shardSizeBytes: size)
        #expect(layout.shards.map(\.index) == Array(0..<layout.shards.count))
        #expect(layout.shards.flatMap { Array($0.layers.indices) } == Array(0..<model.layerCount))
        let data = model.totalBytes - model.parts.reduce(0) { $0 + $1.headerBytes }
        #expect(layout.shards.count == Int(min((data + size - 1) / size, UInt64(model.layerCount))))
    }

    @Test("every byte after the headers is in some shard", arguments: cases)
    func everyByteIsInAShard(_ seed: UInt64, tied: Bool) throws {
        let (model, size) = try Self.model(seed: seed, tied: tied)
        let layout = ShardLayout(model: model, shardSizeBytes: size)
        let all = model.parts.enumerated().map {
            ByteRange(part: $0, offset: $1.headerBytes, length: $1.source.byteCount - $1.headerBytes)
        }
        #expect(ByteRange.joined(layout.shards.flatMap(\.ranges)) == ByteRange.joined(all))
        for shard in layout.shards { #expect(shard.ranges == ByteRange.joined(shard.ranges)) }
    }

    @Test("a shard has what windows of its layers read", arguments: cases)
    func shardsSuffice(_ seed: UInt64, tied: Bool) throws {
        let (model, size) = try Self.model(seed: seed, tied: tied)
        let layout = ShardLayout(model: model, shardSizeBytes: size)
        for first in 0..<layout.shards.count {
            for last in first..<layout.shards.count {
                let layers = try #require(
                    LayerRange(first: layout.shards[first].layers.first, end: layout.shards[last].layers.end))
                let held = layout.shards[first...last].flatMap(\.ranges)
                let view = try WindowView(model: model, layers: layers)
                #expect(ByteRange.subtract(held, from: view.requiredRanges) == [])
            }
        }
    }

    @Test("the same model and size give the same layout", arguments: cases)
    func deterministic(_ seed: UInt64, tied: Bool) throws {
        let (model, size) = try Self.model(seed: seed, tied: tied)
        let (again, _) = try Self.model(seed: seed, tied: tied)
        #expect(
            ShardLayout(model: model, shardSizeBytes: size).shards
                == ShardLayout(model: again, shardSizeBytes: size).shards)
    }

    @Test("layers of one size are dealt out evenly")
    func evenLayers() throws {
        let model = try SampleModel.model(
            try SampleModel.writer(layerElements: Array(repeating: 3200, count: 12), vocabulary: 2))
        let layout = ShardLayout(model: model, shardSizeBytes: model.totalBytes / 4 + 1)
        #expect(layout.shards.map(\.layers.count) == [3, 3, 3, 3])
    }

    @Test("shards end where the model may be cut, unless there are too many", arguments: [(3, true), (4, false)])
    func alignedShards(_ count: Int, aligned: Bool) throws {
        let model = try SampleModel.model(
            try SampleModel.writer(
                architecture: "smollm3", layerElements: Array(repeating: 3200, count: 10), vocabulary: 2))
        #expect(CutTable.rule(for: model).alignment == 4)
        let layout = ShardLayout(model: model, shardSizeBytes: model.totalBytes / UInt64(count))
        #expect(layout.shards.count == count)
        #expect(layout.shards.dropFirst().allSatisfy { $0.layers.first % 4 == 0 } == aligned)
        #expect(layout.shards.last?.layers.end == 10)
    }

    @Test("tensors of no layer are where windows look for them")
    func globalTensors() throws {
        for tied in [false, true] {
            let model = try SampleModel.model(try SampleModel.writer(tied: tied))
            let layout = ShardLayout(model: model, shardSizeBytes: 1)
            #expect(layout.shards.count == 4)
            func holders(_ name: String) throws -> [Int] {
                let range = try #require(model[tensor: name]).range
                return layout.shards.filter { ByteRange.subtract($0.ranges, from: [range]).isEmpty }.map(\.index)
            }
            #expect(try holders("token_embd.weight") == (tied ? [0, 3] : [0]))
            #expect(try holders("output_norm.weight") == [3])
            #expect(try holders("rope_freqs.weight") == [0, 1, 2, 3])
            if !tied { #expect(try holders("output.weight") == [3]) }
        }
    }

    @Test("held shards that touch make one run of layers")
    func coveredLayers() throws {
        let model = try SampleModel.model(try SampleModel.writer())
        let layout = ShardLayout(model: model, shardSizeBytes: 1)
        #expect(layout.layers(coveredBy: [3, 0, 1, 9]).map(\.description) == ["0..<2", "3..<4"])
        #expect(layout.layers(coveredBy: []) == [])
    }
}
