/// What a tensor of no layer is for, told by its name. Decides which shards list it and which windows need it.
enum TensorRole: Hashable {
    /// `token_embd.*`: turns tokens into hidden states. Shard 0; with tied embeddings the last shard too.
    case tokenEmbedding
    /// `position_embd.*`: added to hidden states before the first layer. Shard 0.
    case positionEmbedding
    /// `output*`: turns hidden states into logits. Last shard.
    case output
    /// Factors of the rotary position embedding, which every layer reads. A few hundred bytes, so every shard.
    case rotaryFactors
    /// Anything else. Shard 0; models that have one run whole.
    case other

    init(name: String) {
        if name.hasPrefix("token_embd.") {
            self = .tokenEmbedding
        } else if name.hasPrefix("position_embd.") {
            self = .positionEmbedding
        } else if name.hasPrefix("output") {
            self = .output
        } else if name.hasPrefix("rope_freqs.") || name.hasPrefix("rope_factors_") {
            self = .rotaryFactors
        } else {
            self = .other
        }
    }
}
