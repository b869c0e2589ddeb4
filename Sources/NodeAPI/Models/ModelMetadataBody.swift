/// `GET /api/admin/models/{id}/metadata`: what a model's header says.
package struct ModelMetadataBody: Codable, Sendable, Hashable {
    package struct General: Codable, Sendable, Hashable {
        @Nullable package var name: String?
        package var architecture: String
        /// Whether the engine can run the model.
        package var architectureSupported: Bool
        /// `general.file_type`, `enum llama_ftype` in llama.h.
        @Nullable package var fileType: Int?
        /// The usual name of the file type, such as `Q4_K_M` for 15.
        @Nullable package var quantization: String?

        package init(
            name: String?, architecture: String, architectureSupported: Bool, fileType: Int?, quantization: String?
        ) {
            self.name = name
            self.architecture = architecture
            self.architectureSupported = architectureSupported
            self.fileType = fileType
            self.quantization = quantization
        }
    }

    package struct Model: Codable, Sendable, Hashable {
        @Nullable package var contextLength: Int?
        @Nullable package var blockCount: Int?
        @Nullable package var embeddingLength: Int?
        @Nullable package var headCount: Int?
        @Nullable package var headCountKv: Int?
        @Nullable package var ropeDimensionCount: Int?
        @Nullable package var ropeFreqBase: Double?
        @Nullable package var layerNormRmsEpsilon: Double?
        @Nullable package var vocabSize: Int?

        package init(
            contextLength: Int?, blockCount: Int?, embeddingLength: Int?, headCount: Int?, headCountKv: Int?,
            ropeDimensionCount: Int?, ropeFreqBase: Double?, layerNormRmsEpsilon: Double?, vocabSize: Int?
        ) {
            self.contextLength = contextLength
            self.blockCount = blockCount
            self.embeddingLength = embeddingLength
            self.headCount = headCount
            self.headCountKv = headCountKv
            self.ropeDimensionCount = ropeDimensionCount
            self.ropeFreqBase = ropeFreqBase
            self.layerNormRmsEpsilon = layerNormRmsEpsilon
            self.vocabSize = vocabSize
        }
    }

    package struct Tokenizer: Codable, Sendable, Hashable {
        @Nullable package var model: String?
        @Nullable package var pre: String?
        @Nullable package var eosTokenId: Int?
        @Nullable package var bosTokenId: Int?
        @Nullable package var paddingTokenId: Int?

        package init(
            model: String?, pre: String?, eosTokenId: Int?, bosTokenId: Int?, paddingTokenId: Int?
        ) {
            self.model = model
            self.pre = pre
            self.eosTokenId = eosTokenId
            self.bosTokenId = bosTokenId
            self.paddingTokenId = paddingTokenId
        }
    }

    package struct Tensors: Codable, Sendable, Hashable {
        package var count: Int
        /// Where tensor data starts in the first file, in bytes.
        package var dataOffset: UInt64

        package init(
            count: Int, dataOffset: UInt64
        ) {
            self.count = count
            self.dataOffset = dataOffset
        }
    }

    /// One key of the header with its value as text.
    package struct RawEntry: Codable, Sendable, Hashable {
        package var key: String
        package var value: String

        package init(
            key: String, value: String
        ) {
            self.key = key
            self.value = value
        }
    }

    package var modelId: String
    package var general: General
    package var model: Model
    package var tokenizer: Tokenizer
    package var tensors: Tensors
    /// Every key but the large tokenizer tables, by name.
    package var raw: [RawEntry]

    package init(
        modelId: String, general: General, model: Model, tokenizer: Tokenizer, tensors: Tensors, raw: [RawEntry]
    ) {
        self.modelId = modelId
        self.general = general
        self.model = model
        self.tokenizer = tokenizer
        self.tensors = tensors
        self.raw = raw
    }
}
