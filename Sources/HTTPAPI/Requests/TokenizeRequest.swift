import JSON

/// The body of `POST /tokenize`, with llama-server's names.
struct TokenizeRequest {
    var model: String?
    var content: String
    /// Adds the token that begins a text, where the model wants one.
    var addsSpecialTokens: Bool
    /// Reads `<|im_start|>` and its like as one token.
    var parsesSpecialTokens: Bool
    /// The answer holds each token's text too.
    var withPieces: Bool

    init(_ body: JSONValue) throws(APIError) {
        var fields = try RequestFields(body)
        model = try fields.string("model", maximumBytes: 512)
        guard let content = try fields.string("content", maximumBytes: .max) else {
            throw fields.missing("content")
        }
        self.content = content
        addsSpecialTokens = try fields.bool("add_special") ?? false
        parsesSpecialTokens = try fields.bool("parse_special") ?? true
        withPieces = try fields.bool("with_pieces") ?? false
        try fields.refuseUnread()
    }
}

/// The body of `POST /detokenize`, with llama-server's names.
struct DetokenizeRequest {
    /// A long book's.
    private static let mostTokens = 262_144

    var model: String?
    var tokens: [Int32]

    init(_ body: JSONValue) throws(APIError) {
        var fields = try RequestFields(body)
        model = try fields.string("model", maximumBytes: 512)
        guard let elements = try fields.array("tokens") else { throw fields.missing("tokens") }
        guard elements.count <= Self.mostTokens else {
            throw fields.invalid("tokens", "may hold at most \(Self.mostTokens) token ids, and holds \(elements.count)")
        }
        tokens = elements.isEmpty ? [] : try TextOrTokens.tokens(elements, name: "tokens")
        try fields.refuseUnread()
    }
}
