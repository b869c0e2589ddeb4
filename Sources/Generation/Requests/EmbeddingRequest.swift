/// What a client wants embedded.
package struct EmbeddingRequest: Sendable {
    /// Id of the model, as the client wrote it.
    package var model: String
    package var inputs: [EmbeddingInput]
    /// For whom the work is done.
    package var share: Share

    package init(model: String, inputs: [EmbeddingInput], share: Share = .node) {
        self.model = model
        self.inputs = inputs
        self.share = share
    }
}

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
