import ChatTemplate
import GGUF

/// What a model's header says, as the node admin API shows it.
enum ModelMetadata {
    /// Strings longer than this many characters are cut.
    private static let longestString = 200
    /// Vocabularies: too long to show, and of no use to people.
    private static let omittedKeys: Set<String> = [
        "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.scores", "tokenizer.ggml.token_type",
    ]

    /// The body of `GET /api/admin/models/{id}/metadata`.
    static func json(_ model: GGUFModel, id: String) -> JSONValue {
        let header = model.header
        return [
            "model_id": .string(id),
            "general": [
                "name": .optional(model.name),
                "architecture": .string(model.architecture),
                "architecture_supported": .bool(CutTable.names.contains(model.architecture)),
                "file_type": .optional(header["general.file_type"]?.integer),
                "quantization": .string(model.fileTypeName),
            ],
            "model": [
                "context_length": .optional(model.contextLength),
                "block_count": .integer(model.layerCount),
                "embedding_length": .optional(model.embeddingLength),
                "head_count": .optional(model.headCount),
                "head_count_kv": .optional(model.keyValueHeadCount),
                "rope_dimension_count": .optional(model.property("rope.dimension_count")?.integer),
                "rope_freq_base": .shortest(model.property("rope.freq_base")),
                "layer_norm_rms_epsilon": .shortest(model.property("attention.layer_norm_rms_epsilon")),
                "vocab_size": .optional(model.vocabularySize),
            ],
            "tokenizer": [
                "model": .optional(model.tokenizerModel),
                "pre": .optional(header["tokenizer.ggml.pre"]?.string),
                "eos_token_id": .optional(header["tokenizer.ggml.eos_token_id"]?.integer),
                "bos_token_id": .optional(header["tokenizer.ggml.bos_token_id"]?.integer),
                "padding_token_id": .optional(header["tokenizer.ggml.padding_token_id"]?.integer),
            ],
            "tensors": [
                "count": .integer(model.tensors.count),
                "data_offset": .integer(Int(clamping: header.dataOffset)),
            ],
            "raw": .array(
                header.metadata.filter { !omittedKeys.contains($0.key) }
                    .sorted { $0.key < $1.key }
                    .map { ["key": .string($0.key), "value": .string(text(of: $0.value))] }),
        ]
    }

    private static func text(of value: GGUFValue) -> String {
        if let array = value.array { return "[array of \(array.count) items]" }
        let text = value.description
        return text.count > longestString ? "\(text.prefix(longestString))..." : text
    }
}

extension JSONValue {
    /// A number of a header in the fewest digits that mean the same: 1e-05 of 32 bits, not 9.999999747378752e-06.
    fileprivate static func shortest(_ value: GGUFValue?) -> JSONValue {
        switch value {
        case .float32(let number)?: Double("\(number)").map { .number($0) } ?? .null
        case let other?: .optional(other.number)
        case nil: .null
        }
    }
}
