/// One text to embed.
package enum EmbeddingInput: Sendable, Equatable {
    case text(String)
    case tokens([Int32])
}

/// The vector of one input.
package struct EmbeddingResult: Sendable, Equatable {
    /// Pooled as the model declares, and scaled to length 1.
    package let vector: [Float]
    package let tokenCount: Int

    package init(vector: [Float], tokenCount: Int) {
        self.vector = vector
        self.tokenCount = tokenCount
    }
}
