import Bytes
import GGUF
import ShoalTestSupport
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
    func wrongParts() async throws {
        let writer = try SampleModel.writer()
        try await withTemporaryFolder { folder in
            let paths = try writer.write(parts: 3, prefix: "\(folder)/m")
            #expect(try GGUFModel(parts: paths).tensors.count == SampleModel.model(writer).tensors.count)
            let wrong = [
                [paths[0]], [paths[0], paths[1]], [paths[0], paths[2], paths[1]], [paths[0], paths[1], paths[1]], [],
            ]
            for parts in wrong {
                let error = try #require(throws: GGUFError.self) { try GGUFModel(parts: parts) }
                #expect(error.code == .badParts, "\(parts)")
                // The one that is in a wrong place is named, not the first.
                if parts.count == 3 { #expect(error.path == parts[parts[1] == paths[1] ? 2 : 1], "\(parts)") }
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
        #expect(PartName.siblings(of: "B-00002-of-00002.GGUF") == ["B-00001-of-00002.GGUF", "B-00002-of-00002.GGUF"])
        #expect(PartName.siblings(of: "b-00001-of-00001.Gguf") == ["b-00001-of-00001.Gguf"])
    }

    @Test(
        "a file of something else than a language model says what it is",
        arguments: [
            ("general.type", "adapter", "adapter"), ("general.type", "mmproj", "mmproj"),
            ("general.type", "imatrix", "imatrix"),
            ("general.architecture", "clip", "mmproj"), ("general.architecture", "controlvector", "control vector"),
            ("general.architecture", "dream", "diffusion"), ("general.architecture", "llada", "diffusion"),
            ("general.architecture", "llada-moe", "diffusion"), ("general.architecture", "rnd1", "diffusion"),
            ("general.architecture", "flux", "images"), ("general.architecture", "sdxl", "images"),
        ])
    func otherContent(_ key: String, _ value: String, _ word: String) throws {
        let architecture = key == "general.architecture" ? value : "llama"
        var extra: [(String, GGUFValue)] = []
        if key == "general.type" { extra.append((key, .string(value))) }
        let error = try #require(throws: GGUFError.self) {
            try SampleModel.model(try SampleModel.writer(architecture: architecture, extra: extra))
        }
        #expect(error.code == .otherContent && error.field == key && error.message.contains(word), "\(error)")
    }

    @Test("a file with a vocabulary and no weights is no model; one that says that it is a model is")
    func kinds() throws {
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("llama.block_count", to: .uint32(4))
        writer.set("tokenizer.ggml.tokens", to: .array(GGUFArray(["a", "b"])))
        let error = try #require(throws: GGUFError.self) { try SampleModel.model(writer) }
        #expect(error.code == .otherContent && error.message.contains("no weights"))
        let model = try SampleModel.model(try SampleModel.writer(extra: [("general.type", .string("model"))]))
        #expect(model.layerCount == 4)
    }

    @Test("keys whose value is what a missing key means forbid no cut")
    func neutralKeys() throws {
        func reason(_ key: String, _ value: GGUFValue) throws -> String? {
            CutTable.rule(for: try SampleModel.model(try SampleModel.writer(extra: [(key, value)]))).wholeOnlyReason
        }
        let plain = CutTable.rule(for: try SampleModel.model(try SampleModel.writer())).wholeOnlyReason
        #expect(plain == nil)
        for value in [
            GGUFValue.array(GGUFArray([0, 0, 0, 0] as [UInt32])), .array(GGUFArray([0, 0, 0] as [Int32])),
        ] {
            #expect(try reason("llama.rope.dimension_sections", value) == nil)
        }
        #expect(try reason("llama.rope.dimension_sections", .array(GGUFArray([2, 3, 3, 0] as [UInt32]))) != nil)
        #expect(try reason("llama.deepstack_mapping", .array(GGUFArray([-1, -1, -1, -1] as [Int32]))) == nil)
        #expect(try reason("llama.deepstack_mapping", .array(GGUFArray([-1, 0, -1, -1] as [Int32]))) != nil)
        #expect(try reason("llama.deepstack_mapping", .int32(-1)) == nil)
        #expect(try reason("llama.deepstack_mapping", .string("x")) != nil)
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
