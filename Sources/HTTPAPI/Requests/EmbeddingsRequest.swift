import Generation
import Inference
import JSON

/// The body of `POST /v1/embeddings`.
struct EmbeddingsRequest {
    /// How vectors are written.
    enum Encoding: String {
        case float
        /// Little-endian 32-bit floats in base64.
        case base64
    }

    /// Token ids in all inputs, which is OpenAI's limit too.
    static let mostTokens = EmbeddingInput.mostTokens

    var model: String
    var inputs: [EmbeddingInput]
    var encoding: Encoding
    /// How long vectors are to be: as the model makes them, or it is refused.
    var dimensions: Int?

    /// Reads a body.
    ///
    /// - Throws: 400 that names the field that is missing, wrong, unknown, or cannot be honoured.
    init(_ body: JSONValue) throws(APIError) {
        var fields = try RequestFields(body)
        model = try fields.requiredString("model", maximumBytes: 512)
        guard let input = fields.value("input") else { throw fields.missing("input") }
        inputs = try TextOrTokens.read(input, name: "input").map { input in
            switch input {
            case .text(let text): .text(text)
            case .tokens(let tokens): .tokens(tokens)
            }
        }
        let count = inputs.reduce(0) { sum, input in
            if case .tokens(let tokens) = input { sum + tokens.count } else { sum }
        }
        guard count <= Self.mostTokens else {
            throw fields.invalid("input", "may hold at most \(Self.mostTokens) token ids in all, and holds \(count)")
        }
        if inputs.contains(.text("")) { throw fields.invalid("input", "must not hold an empty text") }
        let name = try fields.string("encoding_format", maximumBytes: 64) ?? "float"
        guard let encoding = Encoding(rawValue: name) else {
            throw fields.invalid("encoding_format", "must be float or base64")
        }
        self.encoding = encoding
        dimensions = try fields.integer("dimensions", in: 1...(1 << 20))
        fields.ignore(["user"])
        try fields.refuseUnread()
    }
}
