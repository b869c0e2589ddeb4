import Bytes
import GGUF

/// Small models for the tests of this target. Their numbers mean nothing; their shapes and sizes do.
enum SampleModel {
    /// - Parameters:
    ///   - layerElements: f32 elements of each layer's one matrix, in rows of 32.
    ///   - vocabulary: strings "t0", "t1", …
    static func writer(
        architecture: String = "llama", layerElements: [Int] = [64, 64, 64, 64], vocabulary: Int = 16,
        tied: Bool = false, alignment: UInt32? = nil, extra: [(String, GGUFValue)] = []
    ) throws -> GGUFWriter {
        let width = 32
        var writer = GGUFWriter()
        if let alignment { writer.set("general.alignment", to: .uint32(alignment)) }
        writer.set("general.architecture", to: .string(architecture))
        writer.set("general.name", to: .string("Sample"))
        writer.set("general.file_type", to: .uint32(15))
        writer.set("\(architecture).block_count", to: .uint32(UInt32(layerElements.count)))
        writer.set("\(architecture).embedding_length", to: .uint32(UInt32(width)))
        writer.set("\(architecture).context_length", to: .uint64(2048))
        writer.set("\(architecture).attention.head_count", to: .uint32(4))
        writer.set(
            "\(architecture).attention.head_count_kv",
            to: .array(GGUFArray((0..<layerElements.count).map { Int32($0 + 1) })))
        writer.set("tokenizer.ggml.model", to: .string("llama"))
        writer.set("tokenizer.ggml.tokens", to: .array(GGUFArray((0..<vocabulary).map { "t\($0)" })))
        writer.set("tokenizer.ggml.scores", to: .array(GGUFArray((0..<vocabulary).map { Float($0) })))
        writer.set("tokenizer.chat_template", to: .string("{{ messages }}"))
        for (key, value) in extra { writer.set(key, to: value) }

        var next: UInt8 = 1
        func add(_ name: String, _ dimensions: [Int], type: TensorType = .f32) throws {
            let tensor = try GGUFTensor(
                name: name, dimensions: dimensions.map(UInt64.init), type: type, offset: 0)
            let bytes = (0..<Int(tensor.byteCount)).map { _ in
                next = next &* 5 &+ 17
                return next
            }
            try writer.add(
                tensor: name, dimensions: dimensions.map(UInt64.init), type: type, data: MemorySource(bytes))
        }
        try add("token_embd.weight", [width, vocabulary], type: .q8_0)
        try add("rope_freqs.weight", [4])
        for (layer, elements) in layerElements.enumerated() {
            try add("blk.\(layer).attn_norm.weight", [width])
            try add("blk.\(layer).ffn_up.weight", [width, elements / width])
        }
        try add("output_norm.weight", [width])
        if !tied { try add("output.weight", [width, vocabulary], type: .q4_0) }
        return writer
    }

    static func model(_ writer: GGUFWriter) throws -> GGUFModel {
        try GGUFModel(sources: [("sample", MemorySource(try writer.encoded()))])
    }
}
