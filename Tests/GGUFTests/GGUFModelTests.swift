import GGUF
import Testing

@Suite("GGUF models")
struct GGUFModelTests {
    @Test("a model's properties are read from its header")
    func properties() throws {
        let model = try SampleModel.model(try SampleModel.writer())
        #expect(model.architecture == "llama")
        #expect(model.name == "Sample")
        #expect(model.layerCount == 4)
        #expect(model.embeddingLength == 32)
        #expect(model.contextLength == 2048)
        #expect(model.headCount == 4)
        #expect(model.keyValueHeadCount == 4)
        #expect(model.keyLength == 8)
        #expect(model.cacheBytesPerTokenAndLayer == 128)
        #expect(model.vocabularySize == 16)
        #expect(model.fileTypeName == "Q4_K_M")
        #expect(model.chatTemplate == "{{ messages }}")
        #expect(!model.hasTiedEmbeddings)
        let embeddings = 2 * 32 * 16
        let layers = 4 * (32 + 64)
        #expect(model.parameterCount == UInt64(embeddings + layers + 4 + 32))
    }

    @Test(
        "a header without architecture or layers is no model", arguments: ["general.architecture", "llama.block_count"])
    func missingKeys(_ key: String) throws {
        let writer = try SampleModel.writer(extra: [(key, .string(""))])
        let error = try #require(throws: GGUFError.self) { try SampleModel.model(writer) }
        #expect(error.code == .missingKey)
        #expect(error.field == key)
    }

    @Test("parts that do not belong together are refused")
    func wrongParts() throws {
        let writer = try SampleModel.writer()
        try withTemporaryFolder { folder in
            let paths = try writer.write(parts: 3, prefix: "\(folder)/m")
            #expect(try GGUFModel(parts: paths).tensors.count == SampleModel.model(writer).tensors.count)
            let wrong = [
                [paths[0]], [paths[0], paths[1]], [paths[0], paths[2], paths[1]], [paths[0], paths[1], paths[1]], [],
            ]
            for parts in wrong {
                let error = try #require(throws: GGUFError.self) { try GGUFModel(parts: parts) }
                #expect(error.code == .badParts, "\(parts)")
            }
        }
    }

    @Test("names of parts are told from other names")
    func partNames() {
        let parsed = PartName.parse("/a/b-00002-of-00010.gguf")
        #expect(parsed?.prefix == "/a/b")
        #expect(parsed?.part == 1)
        #expect(parsed?.count == 10)
        for name in [
            "b.gguf", "b-0002-of-0010.gguf", "b-00011-of-00010.gguf", "b-00000-of-00010.gguf", "b-00001-of-00002",
        ] {
            #expect(PartName.parse(name) == nil)
            #expect(PartName.siblings(of: name) == [name])
        }
        #expect(PartName.siblings(of: "b-00002-of-00002.gguf") == ["b-00001-of-00002.gguf", "b-00002-of-00002.gguf"])
    }

    @Test("a header whose file is elsewhere is read from its first bytes")
    func headerAlone() throws {
        let whole = try SampleModel.writer().encoded()
        let model = try SampleModel.model(try SampleModel.writer())
        let beginning = Array(whole[..<Int(model.parts[0].headerBytes)])
        let known = try GGUFModel(sources: [("header", MemorySource(beginning, byteCount: UInt64(whole.count)))])
        #expect(known.tensors.map(\.range) == model.tensors.map(\.range))
        #expect(
            ShardLayout(model: known, shardSizeBytes: 1).shards == ShardLayout(model: model, shardSizeBytes: 1).shards)
    }
}
