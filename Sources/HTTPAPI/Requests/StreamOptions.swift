/// Whether an answer is streamed, and what comes with it.
struct StreamOptions: Hashable {
    var isStreamed: Bool
    /// Token counts come in a chunk of their own before the end.
    var includesUsage: Bool

    /// Reads `stream` and `stream_options`.
    init(_ fields: inout RequestFields) throws(APIError) {
        isStreamed = try fields.bool("stream") ?? false
        includesUsage = false
        guard var options = try fields.object("stream_options") else { return }
        guard isStreamed else { throw fields.invalid("stream_options", "needs stream to be true") }
        includesUsage = try options.bool("include_usage") ?? false
        // Padding against the reading of lengths on the wire; answers are not padded here.
        _ = try options.bool("include_obfuscation")
        try options.refuseUnread()
    }
}
