/// Something that makes tokens of texts as a model does, and texts of tokens.
package protocol Tokenizer: Sendable {
    /// The tokens of a text.
    ///
    /// - Parameters:
    ///   - addSpecial: The model's own first token comes first where it wants one.
    ///   - parseSpecial: Control tokens in the text are these and not their text.
    /// - Throws: `InferenceError`.
    func tokenize(
        model: String, text: String, addSpecial: Bool, parseSpecial: Bool, share: Share
    ) async throws -> [Int32]

    /// The bytes of each token.
    ///
    /// - Throws: `InferenceError`.
    func detokenize(model: String, tokens: [Int32], share: Share) async throws -> [[UInt8]]
}
