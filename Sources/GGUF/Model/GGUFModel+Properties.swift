extension GGUFModel {
    /// The value of `<architecture>.<key>`.
    package func property(_ key: String) -> GGUFValue? { header["\(architecture).\(key)"] }

    /// A whole number under `<architecture>.<key>`; the largest where the file lists one per layer.
    private func number(_ key: String) -> Int? {
        guard let value = property(key) else { return nil }
        if let number = value.integer { return number }
        guard let array = value.array, array.count <= Self.maximumLayers else { return nil }
        return (try? array.integers())?.max()
    }

    /// `general.name`.
    package var name: String? { header["general.name"]?.string }
    /// Length of a hidden state.
    package var embeddingLength: Int? { number("embedding_length") }
    /// Tokens that the model was trained for.
    package var contextLength: Int? { number("context_length") }
    /// Attention heads; the most that a layer has.
    package var headCount: Int? { number("attention.head_count") }
    /// Key and value heads; the most that a layer has.
    package var keyValueHeadCount: Int? { number("attention.head_count_kv") ?? headCount }
    /// Length of one key head.
    package var keyLength: Int? { number("attention.key_length") ?? headLength }
    /// Length of one value head.
    package var valueLength: Int? { number("attention.value_length") ?? headLength }
    /// Experts of a layer; nil for models without.
    package var expertCount: Int? { number("expert_count").flatMap { $0 > 0 ? $0 : nil } }

    private var headLength: Int? {
        guard let width = embeddingLength, let heads = headCount, heads > 0 else { return nil }
        return width / heads
    }

    /// Bytes of the key-value cache per token and layer with 16-bit entries; nil where the header does not tell.
    package var cacheBytesPerTokenAndLayer: Int? {
        guard let heads = keyValueHeadCount, let keys = keyLength, let values = valueLength else { return nil }
        let (elements, overflow) = heads.multipliedReportingOverflow(
            by: keys.addingReportingOverflow(values).partialValue)
        return overflow || elements < 0 || elements > 1 << 40 ? nil : elements * 2
    }

    /// Tokens in the vocabulary.
    package var vocabularySize: Int? {
        header["tokenizer.ggml.tokens"]?.array?.count ?? number("vocab_size")
            ?? self[tensor: "token_embd.weight"]?.tensor.dimensions.dropFirst().first.flatMap { Int(exactly: $0) }
    }

    /// How the weights are quantised, such as `Q4_K_M`; the type of most bytes where the file does not say.
    package var fileTypeName: String {
        if let number = header["general.file_type"]?.integer.flatMap(UInt32.init(exactly:)),
            let name = FileType.name(of: number)
        {
            return name
        }
        var bytes: [TensorType: UInt64] = [:]
        for placed in tensors { bytes[placed.tensor.type, default: 0] += placed.range.length }
        let most = bytes.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }
        return most?.key.name.uppercased() ?? "unknown"
    }

    /// The chat template, a Jinja text.
    package var chatTemplate: String? { header["tokenizer.chat_template"]?.string }

    /// `tokenizer.ggml.model`, such as `gpt2` or `llama`.
    package var tokenizerModel: String? { header["tokenizer.ggml.model"]?.string }

    /// Number of weights.
    package var parameterCount: UInt64 { tensors.reduce(0) { $0 &+ $1.tensor.elementCount } }

    /// Whether the output layer uses the token embeddings (there is no `output.weight`).
    package var hasTiedEmbeddings: Bool { self[tensor: "output.weight"] == nil }
}
