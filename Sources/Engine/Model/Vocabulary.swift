internal import CEngine

/// A model's tokenizer: text to tokens, tokens to bytes.
///
/// Needs the header of a model alone, so a node without any shard can tokenize.
package final class Vocabulary: Sendable {
    /// Owns the model that the vocabulary belongs to.
    private let model: ModelWeights
    private nonisolated(unsafe) let pointer: OpaquePointer  // immutable after loading; libllama only reads it

    package let tokenCount: Int
    package let beginningOfText: Int32?
    package let addsBeginningOfText: Bool
    /// Tokens after which generation ends, in ascending order.
    package let endOfGenerationTokens: [Int32]

    init(model: ModelWeights) throws {
        guard let pointer = llama_model_get_vocab(model.pointer) else {
            throw EngineError(.loadFailed, "the model has no vocabulary")
        }
        self.model = model
        self.pointer = pointer
        tokenCount = Int(llama_vocab_n_tokens(pointer))
        let first = llama_vocab_bos(pointer)
        beginningOfText = first >= 0 ? first : nil
        addsBeginningOfText = llama_vocab_get_add_bos(pointer)
        endOfGenerationTokens =
            llama_vocab_type(pointer) == LLAMA_VOCAB_TYPE_NONE
            ? [] : (0..<Int32(tokenCount)).filter { llama_vocab_is_eog(pointer, $0) }
    }

    /// Reads the tokenizer from a model's first file; the tensors' bytes are not touched.
    package convenience init(path: String) throws {
        try self.init(model: ModelWeights(vocabularyOf: path))
    }

    /// Whether the model comes with a tokenizer at all.
    package var isUsable: Bool { llama_vocab_type(pointer) != LLAMA_VOCAB_TYPE_NONE }

    package func isEndOfGeneration(_ token: Int32) -> Bool {
        llama_vocab_is_eog(pointer, token)
    }

    /// Whether a token is recognised as a whole wherever its text stands, as `<|im_start|>` is.
    func isSpecial(_ token: Int32) -> Bool {
        let attributes = llama_vocab_get_attr(pointer, token).rawValue
        return attributes & (LLAMA_TOKEN_ATTR_CONTROL.rawValue | LLAMA_TOKEN_ATTR_USER_DEFINED.rawValue) != 0
    }

    /// Text as tokens.
    ///
    /// - Parameters:
    ///   - addSpecial: adds the beginning-of-text token when the model wants one.
    ///   - parseSpecial: reads `<|im_start|>` and its like as one token.
    package func tokens(of text: String, addSpecial: Bool, parseSpecial: Bool) throws -> [Int32] {
        guard isUsable else {
            throw EngineError(.unsupported, "the model carries no tokenizer: send token ids instead of text")
        }
        var text = text
        return try text.withUTF8 { bytes in
            guard let length = Int32(exactly: bytes.count) else {
                throw EngineError(.badRequest, "the text has \(bytes.count) bytes, more than can be tokenized at once")
            }
            var tokens = [Int32](repeating: 0, count: bytes.count + 8)
            let count = bytes.withMemoryRebound(to: CChar.self) { characters in
                shoal_tokenize(
                    pointer, characters.baseAddress, length, &tokens, Int32(tokens.count), addSpecial, parseSpecial)
            }
            guard count >= 0 else {
                throw EngineError(.badRequest, "the text of \(bytes.count) bytes could not be tokenized")
            }
            return Array(tokens.prefix(Int(count)))
        }
    }

    /// The bytes of a token, which need not be whole UTF-8.
    ///
    /// - Parameter special: gives control tokens their written form instead of nothing.
    package func bytes(of token: Int32, special: Bool) -> [UInt8] {
        guard token >= 0, Int(token) < tokenCount, isUsable else { return [] }
        var buffer = [CChar](repeating: 0, count: 64)
        var count = llama_token_to_piece(pointer, token, &buffer, Int32(buffer.count), 0, special)
        if count < 0 {
            buffer = [CChar](repeating: 0, count: Int(-count))
            count = llama_token_to_piece(pointer, token, &buffer, Int32(buffer.count), 0, special)
        }
        return buffer.prefix(Int(max(count, 0))).map { UInt8(bitPattern: $0) }
    }

    /// The written form of the beginning-of-text and end-of-text tokens, empty when the model has none.
    package var writtenEnds: (beginning: String, end: String) {
        let last = llama_vocab_eos(pointer)
        let beginning = beginningOfText.map { String(decoding: bytes(of: $0, special: true), as: UTF8.self) } ?? ""
        return (beginning, last >= 0 ? String(decoding: bytes(of: last, special: true), as: UTF8.self) : "")
    }

    func withModel<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result {
        try body(model.pointer)
    }

    func withPointer<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result {
        try body(pointer)
    }
}
