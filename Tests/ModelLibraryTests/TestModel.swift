import Foundation
import GGUF
import ShoalTestSupport

/// A small GGUF model of six layers with random weights, about 700 KB: its tensors have whole disk blocks.
struct TestModel {
    static let layerCount = 6
    /// Cuts the model into five shards or so.
    static let shardSizeBytes: UInt64 = 150_000

    var seed: UInt64 = 1
    var isTied = false

    private func writer() throws -> GGUFWriter {
        var random = SeededRandom(seed: seed)
        func values(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("general.name", to: .string("Tiny Test"))
        writer.set("general.file_type", to: .uint32(15))
        writer.set("general.description", to: .string(String(repeating: "x", count: 300)))
        writer.set("llama.block_count", to: .uint32(UInt32(Self.layerCount)))
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
        try writer.add(tensor: "token_embd.weight", dimensions: [64, 256], values: values(64 * 256))
        for layer in 0..<Self.layerCount {
            try writer.add(tensor: "blk.\(layer).attn_q.weight", dimensions: [64, 128], values: values(64 * 128))
            try writer.add(tensor: "blk.\(layer).ffn_up.weight", dimensions: [64, 192], values: values(64 * 192))
        }
        try writer.add(tensor: "output_norm.weight", dimensions: [64], values: values(64))
        if !isTied {
            try writer.add(tensor: "output.weight", dimensions: [64, 256], values: values(64 * 256))
        }
        return writer
    }

    /// Writes the model as one file.
    func write(to path: String) throws {
        try writer().write(to: path)
    }

    /// Writes the model as several files.
    func write(parts: Int, prefix: String) throws -> [String] {
        try writer().write(parts: parts, prefix: prefix)
    }
}
