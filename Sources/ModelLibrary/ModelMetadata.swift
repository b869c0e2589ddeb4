import Generation
package import Identifiers

/// What a model's header says, in the form of the node admin API's `models/{id}/metadata`: snake-case keys, `null` for
/// what the header does not tell.
package struct ModelMetadata: Sendable, Hashable {
    package struct General: Sendable, Hashable {
        package var name: String?
        package var architecture: String
        /// Whether the engine can run the model.
        package var architectureSupported: Bool
        /// `general.file_type`, `enum llama_ftype` in llama.h.
        package var fileType: Int?
        /// The usual name of the file type, such as `Q4_K_M` for 15.
        package var quantization: String?
    }

    package struct Model: Sendable, Hashable {
        package var contextLength: Int?
        package var blockCount: Int?
        package var embeddingLength: Int?
        package var headCount: Int?
        package var headCountKV: Int?
        package var ropeDimensionCount: Int?
        package var ropeFrequencyBase: Double?
        package var layerNormRMSEpsilon: Double?
        package var vocabularySize: Int?
    }

    package struct Tokenizer: Sendable, Hashable {
        package var model: String?
        package var pre: String?
        package var endOfSequenceTokenID: Int?
        package var beginningOfSequenceTokenID: Int?
        package var paddingTokenID: Int?
    }

    package struct Tensors: Sendable, Hashable {
        package var count: Int
        /// Where tensor data starts in the first file, in bytes.
        package var dataOffset: UInt64
    }

    /// One key of the header with its value as text.
    package struct RawEntry: Sendable, Hashable, Encodable {
        package var key: String
        package var value: String
    }

    package var modelID: ModelID
    package var general: General
    package var model: Model
    package var tokenizer: Tokenizer
    package var tensors: Tensors
    /// Every key but the large tokenizer tables, by name.
    package var raw: [RawEntry]
}

// The encoders are written out because an absent value is encoded as null, and not left out.

extension ModelMetadata: Encodable {
    private enum CodingKeys: String, CodingKey {
        case modelID = "model_id"
        case general, model, tokenizer, tensors, raw
    }
}

extension ModelMetadata.General: Encodable {
    private enum CodingKeys: String, CodingKey {
        case name, architecture, quantization
        case architectureSupported = "architecture_supported"
        case fileType = "file_type"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(architecture, forKey: .architecture)
        try container.encode(architectureSupported, forKey: .architectureSupported)
        try container.encode(fileType, forKey: .fileType)
        try container.encode(quantization, forKey: .quantization)
    }
}

extension ModelMetadata.Model: Encodable {
    private enum CodingKeys: String, CodingKey {
        case contextLength = "context_length"
        case blockCount = "block_count"
        case embeddingLength = "embedding_length"
        case headCount = "head_count"
        case headCountKV = "head_count_kv"
        case ropeDimensionCount = "rope_dimension_count"
        case ropeFrequencyBase = "rope_freq_base"
        case layerNormRMSEpsilon = "layer_norm_rms_epsilon"
        case vocabularySize = "vocab_size"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(contextLength, forKey: .contextLength)
        try container.encode(blockCount, forKey: .blockCount)
        try container.encode(embeddingLength, forKey: .embeddingLength)
        try container.encode(headCount, forKey: .headCount)
        try container.encode(headCountKV, forKey: .headCountKV)
        try container.encode(ropeDimensionCount, forKey: .ropeDimensionCount)
        try container.encode(ropeFrequencyBase, forKey: .ropeFrequencyBase)
        try container.encode(layerNormRMSEpsilon, forKey: .layerNormRMSEpsilon)
        try container.encode(vocabularySize, forKey: .vocabularySize)
    }
}

extension ModelMetadata.Tokenizer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case model, pre
        case endOfSequenceTokenID = "eos_token_id"
        case beginningOfSequenceTokenID = "bos_token_id"
        case paddingTokenID = "padding_token_id"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(model, forKey: .model)
        try container.encode(pre, forKey: .pre)
        try container.encode(endOfSequenceTokenID, forKey: .endOfSequenceTokenID)
        try container.encode(beginningOfSequenceTokenID, forKey: .beginningOfSequenceTokenID)
        try container.encode(paddingTokenID, forKey: .paddingTokenID)
    }
}

extension ModelMetadata.Tensors: Encodable {
    private enum CodingKeys: String, CodingKey {
        case count
        case dataOffset = "data_offset"
    }
}
