import Bytes
import Catalogue
import Foundation
import GGUF
import Identifiers
import NodeAPI
import Testing

@Suite("What a model's header says")
struct ModelMetadataTests {
    private static var model: GGUFModel {
        get throws {
            var writer = GGUFWriter()
            writer.set("general.architecture", to: .string("llama"))
            writer.set("general.name", to: .string("Tiny Test"))
            writer.set("general.file_type", to: .uint32(15))
            writer.set("general.description", to: .string(String(repeating: "x", count: 300)))
            writer.set("llama.block_count", to: .uint32(6))
            writer.set("llama.context_length", to: .uint32(4096))
            writer.set("llama.embedding_length", to: .uint32(64))
            writer.set("llama.attention.head_count", to: .uint32(8))
            writer.set("llama.attention.head_count_kv", to: .uint32(2))
            writer.set("llama.attention.layer_norm_rms_epsilon", to: .float32(1e-5))
            writer.set("llama.rope.freq_base", to: .float32(500_000))
            writer.set("tokenizer.ggml.model", to: .string("llama"))
            writer.set("tokenizer.ggml.tokens", to: .array(GGUFArray((0..<256).map { "t\($0)" })))
            writer.set("tokenizer.ggml.token_type", to: .array(GGUFArray([Int32](repeating: 1, count: 256))))
            writer.set("tokenizer.ggml.eos_token_id", to: .uint32(2))
            writer.set("tokenizer.ggml.bos_token_id", to: .uint32(1))
            try writer.add(tensor: "token_embd.weight", dimensions: [4, 2], values: [Float](repeating: 0, count: 8))
            for layer in 0..<6 {
                try writer.add(tensor: "blk.\(layer).attn_norm.weight", dimensions: [4], values: [0, 0, 0, 0])
            }
            return try GGUFModel(sources: [(name: "tiny.gguf", source: MemorySource(try writer.encoded()))])
        }
    }

    @Test("has the documented shape, with null for what is absent")
    func shape() throws {
        let (id, model) = (try #require(ModelID("tiny.q4-k-m")), try Self.model)
        let encoded = Data(try BodyCoding.encode(ModelMetadataBody(id: id, model: model)).utf8)
        let object = try #require(JSONSerialization.jsonObject(with: encoded) as? [String: Any])
        #expect(Set(object.keys) == ["model_id", "general", "model", "tokenizer", "tensors", "raw"])
        #expect(object["model_id"] as? String == "tiny.q4-k-m")
        let expected = """
            {"general": {"name": "Tiny Test", "architecture": "llama", "architecture_supported": true, "file_type": 15,
            "quantization": "Q4_K_M"}, "model": {"context_length": 4096, "block_count": 6, "embedding_length": 64,
            "head_count": 8, "head_count_kv": 2, "rope_dimension_count": null, "rope_freq_base": 500000.0,
            "layer_norm_rms_epsilon": 1e-5, "vocab_size": 256}, "tokenizer": {"model": "llama", "pre": null,
            "eos_token_id": 2, "bos_token_id": 1, "padding_token_id": null}}
            """
        let wanted = try #require(JSONSerialization.jsonObject(with: Data(expected.utf8)) as? [String: Any])
        for key in wanted.keys {
            #expect(object[key] as? NSDictionary == wanted[key] as? NSDictionary, "\(key)")
        }
        let tensors = try #require(object["tensors"] as? [String: Int])
        #expect(tensors["count"] == 7)
        #expect(try #require(tensors["data_offset"]) % 32 == 0)
        let raw = try #require(object["raw"] as? [[String: String]])
        let values = Dictionary(uniqueKeysWithValues: raw.map { ($0["key"] ?? "", $0["value"] ?? "") })
        #expect(raw.map { $0["key"] ?? "" } == values.keys.sorted())
        #expect(values["general.architecture"] == "llama")
        #expect(values["llama.rope.freq_base"] == "500000")
        #expect(values["llama.attention.layer_norm_rms_epsilon"] == "0.00001")
        #expect(values["general.description"] == String(repeating: "x", count: 200) + "...")
        #expect(values["tokenizer.ggml.tokens"] == nil)
        #expect(values["tokenizer.ggml.token_type"] == nil)
    }
}
