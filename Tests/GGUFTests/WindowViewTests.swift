import Bytes
import Foundation
import GGUF
import Identifiers
import ShoalTestSupport
import Testing

@Suite("Window views")
struct WindowViewTests {
    private static func view(_ model: GGUFModel, _ first: Int, _ end: Int) throws -> WindowView {
        try WindowView(model: model, layers: try #require(LayerRange(first: first, end: end)))
    }

    /// The window as a model of its own, read through the view.
    private static func reopened(_ view: WindowView) throws -> GGUFModel {
        try GGUFModel(sources: [("window", view)])
    }

    private static func data(_ model: GGUFModel, _ name: String) throws -> [UInt8] {
        let range = try #require(model[tensor: name]).range
        return try model.parts[range.part].source.bytes(at: range.offset, count: Int(range.length))
    }

    @Test("a window's layers are renumbered and keep their bytes", arguments: [(0, 2), (1, 3), (2, 4), (0, 4)])
    func layersAreRenumbered(_ first: Int, _ end: Int) throws {
        let model = try SampleModel.model(try SampleModel.writer())
        let window = try Self.reopened(Self.view(model, first, end))
        #expect(window.layerCount == end - first)
        for layer in first..<end {
            for name in ["attn_norm.weight", "ffn_up.weight"] {
                #expect(
                    try Self.data(window, "blk.\(layer - first).\(name)") == Self.data(model, "blk.\(layer).\(name)"))
            }
        }
        #expect(window.tensors.filter { $0.tensor.layer != nil }.count == 2 * (end - first))
        #expect(try Self.data(window, "rope_freqs.weight") == Self.data(model, "rope_freqs.weight"))
        let heads = try #require(try window.property("attention.head_count_kv")?.array?.integers())
        #expect(heads == (first..<end).map { $0 + 1 })
    }

    @Test("a first window has the tokens and stand-ins for the output")
    func firstWindow() throws {
        let model = try SampleModel.model(try SampleModel.writer())
        let window = try Self.reopened(Self.view(model, 0, 2))
        #expect(try Self.data(window, "token_embd.weight") == Self.data(model, "token_embd.weight"))
        #expect(window.vocabularySize == 16)
        #expect(window.tokenizerModel == "llama")
        let norm = try Self.data(window, "output_norm.weight")
        #expect(norm == (0..<32).flatMap { _ in [0, 0, 0x80, 0x3f] as [UInt8] })
        let output = try #require(window[tensor: "output.weight"]).tensor
        #expect(output.dimensions == [32, 16])
        #expect(try Self.data(window, "output.weight").allSatisfy { $0 == 0 })
    }

    @Test("a window in the middle has no vocabulary")
    func middleWindow() throws {
        let model = try SampleModel.model(try SampleModel.writer(vocabulary: 1000))
        let view = try Self.view(model, 1, 3)
        let window = try Self.reopened(view)
        #expect(window.tokenizerModel == "none")
        #expect(window.header.metadata.filter { $0.key.hasPrefix("tokenizer.") }.count == 1)
        let embeddings = try #require(window[tensor: "token_embd.weight"]).tensor
        #expect(embeddings.dimensions == [32, UInt64(try #require(window.vocabularySize))])
        #expect(embeddings.byteCount < 1000)
        let layers = model.tensors.filter { [1, 2].contains($0.tensor.layer) || $0.tensor.name == "rope_freqs.weight" }
        #expect(view.requiredRanges == ByteRange.joined(layers.map(\.range)))
    }

    @Test("the last window has the output, and the embeddings only where they are tied", arguments: [false, true])
    func lastWindow(tied: Bool) throws {
        let model = try SampleModel.model(try SampleModel.writer(tied: tied))
        let window = try Self.reopened(Self.view(model, 3, 4))
        #expect(window.vocabularySize == 16)
        #expect(window.chatTemplate == "{{ messages }}")
        #expect(try Self.data(window, "output_norm.weight") == Self.data(model, "output_norm.weight"))
        #expect(window.hasTiedEmbeddings == tied)
        let embeddings = try Self.data(window, "token_embd.weight")
        if tied {
            #expect(try embeddings == Self.data(model, "token_embd.weight"))
        } else {
            #expect(embeddings.allSatisfy { $0 == 0 })
            #expect(try #require(window[tensor: "token_embd.weight"]).tensor.dimensions == [32, 16])
        }
    }

    @Test("a window of all layers of a model in parts is the model in one file")
    func wholeWindowJoinsParts() async throws {
        let writer = try SampleModel.writer(alignment: 64)
        try await withTemporaryFolder { folder in
            let paths = try writer.write(parts: 3, prefix: "\(folder)/m")
            #expect(paths[1] == "\(folder)/m-00002-of-00003.gguf")
            let model = try GGUFModel(path: paths[1])
            #expect(model.parts.count == 3)
            let view = try WindowView(model: model, layers: model.allLayers)
            let single = try writer.encoded()
            #expect(try view.bytes(at: 0, count: Int(view.byteCount)) == single)
        }
    }

    @Test("reads at any place and of any length agree with one read of everything")
    func randomReads() throws {
        let model = try SampleModel.model(try SampleModel.writer(alignment: 256))
        let view = try Self.view(model, 1, 4)
        let all = try view.bytes(at: 0, count: Int(view.byteCount))
        var generator = SeededRandom(seed: 5)
        for _ in 0..<5000 {
            let start = Int.random(in: 0...all.count, using: &generator)
            let wanted = Int.random(in: 0...700, using: &generator)
            var buffer = [UInt8](repeating: 0xaa, count: wanted)
            let got = try buffer.withUnsafeMutableBytes { try view.read(at: UInt64(start), into: $0) }
            #expect(got == min(wanted, all.count - start))
            #expect(Array(buffer[..<got]) == Array(all[start..<start + got]))
        }
        var past = [UInt8](repeating: 0, count: 8)
        #expect(try past.withUnsafeMutableBytes { try view.read(at: .max, into: $0) } == 0)
    }

    @Test("many threads may read one view")
    func concurrentReads() async throws {
        let model = try SampleModel.model(try SampleModel.writer())
        let view = try Self.view(model, 0, 3)
        let all = try view.bytes(at: 0, count: Int(view.byteCount))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<200 {
                        let start = (task * 131 + step * 17) % all.count
                        let count = min(97, all.count - start)
                        if try view.bytes(at: UInt64(start), count: count) != Array(all[start..<start + count]) {
                            return false
                        }
                    }
                    return true
                }
            }
            for try await same in group { #expect(same) }
        }
    }

    @Test("a sparse file with one shard's bytes gives that shard's window")
    func sparseFile() async throws {
        let writer = try SampleModel.writer(layerElements: Array(repeating: 8192, count: 4))
        let whole = try writer.encoded()
        let model = try SampleModel.model(writer)
        let layout = ShardLayout(model: model, shardSizeBytes: model.tensorBytes / 3)
        let shard = layout.shards[1]
        try await withTemporaryFolder { folder in
            let path = "\(folder)/sparse.gguf"
            #expect(FileManager.default.createFile(atPath: path, contents: nil))
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.truncate(atOffset: UInt64(whole.count))
            let header = ByteRange(part: 0, offset: 0, length: model.parts[0].headerBytes)
            for range in [header] + shard.ranges {
                try file.seek(toOffset: range.offset)
                try file.write(contentsOf: whole[Int(range.offset)..<Int(range.end)])
            }
            try file.close()
            let sparse = try GGUFModel(parts: [path])
            #expect(ShardLayout(model: sparse, shardSizeBytes: model.tensorBytes / 3).shards == layout.shards)
            let expected = try WindowView(model: model, layers: shard.layers)
            let found = try WindowView(model: sparse, layers: shard.layers)
            let count = Int(expected.byteCount)
            #expect(try found.bytes(at: 0, count: count) == expected.bytes(at: 0, count: count))
        }
    }

    @Test("a file that becomes shorter gives an error")
    func shrunkFile() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/m.gguf"
            try SampleModel.writer().write(to: path)
            let model = try GGUFModel(parts: [path])
            let view = try WindowView(model: model, layers: model.allLayers)
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.truncate(atOffset: model.parts[0].headerBytes + 40)
            try file.close()
            #expect(throws: GGUFError.self) { try view.bytes(at: 0, count: Int(view.byteCount)) }
        }
    }

    @Test("leading dense layers are counted within the window", arguments: [(0, 3, 2), (1, 4, 1), (2, 4, 0)])
    func leadingDenseLayers(_ first: Int, _ end: Int, _ dense: Int) throws {
        let model = try SampleModel.model(
            try SampleModel.writer(
                architecture: "deepseek", extra: [("deepseek.leading_dense_block_count", .uint32(2))]))
        let window = try Self.reopened(Self.view(model, first, end))
        #expect(window.property("leading_dense_block_count")?.integer == dense)
    }

    @Test("sliding-window patterns are written out for the window's own layers")
    func slidingWindowPattern() throws {
        let model = try SampleModel.model(
            try SampleModel.writer(
                architecture: "gemma3", layerElements: Array(repeating: 32, count: 8), tied: true,
                extra: [("gemma3.attention.sliding_window", .uint32(8))]))
        let window = try Self.reopened(Self.view(model, 4, 8))
        let pattern = try #require(try window.property("attention.sliding_window_pattern")?.array?.elements())
        #expect(pattern.map(\.bool) == [true, false, true, true])
        // Layer 5 alone sees everything, and so may no window of one layer be made.
        #expect(throws: GGUFError.self) { try Self.view(model, 5, 6) }
    }

    @Test("input scales are off in windows without layer 0")
    func inputScale() throws {
        let model = try SampleModel.model(
            try SampleModel.writer(architecture: "granite", extra: [("granite.embedding_scale", .float32(12))]))
        #expect(try Self.reopened(Self.view(model, 0, 2)).property("embedding_scale")?.number == 12)
        #expect(try Self.reopened(Self.view(model, 2, 4)).property("embedding_scale")?.number == 0)
    }

    @Test("a model with an unknown tensor of no layer runs whole")
    func unknownGlobalTensor() throws {
        var writer = try SampleModel.writer()
        try writer.add(tensor: "per_layer_token_embd.weight", dimensions: [4], values: [1, 2, 3, 4])
        let model = try SampleModel.model(writer)
        #expect(CutTable.rule(for: model).wholeOnlyReason?.contains("per_layer_token_embd") == true)
        let error = try #require(throws: GGUFError.self) { try Self.view(model, 0, 2) }
        #expect(error.code == .badWindow)
        #expect(throws: Never.self) { try WindowView(model: model, layers: model.allLayers) }
    }
}
