/// What a download is doing: a word, or an object with the word and the reason.
package struct DownloadState: Codable, Sendable, Hashable {
    package var word: String
    package var reason: String?

    private struct Reason: Codable { var reason: String }

    package init(_ word: String, reason: String? = nil) {
        self.word = word
        self.reason = reason
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let word = try? container.decode(String.self) {
            self.init(word)
        } else {
            let object = try container.decode([String: Reason].self)
            guard let (word, reason) = object.first else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "the state is empty")
            }
            self.init(word, reason: reason.reason)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let reason { try container.encode([word: Reason(reason: reason)]) } else { try container.encode(word) }
    }

    /// Whether nothing more will come.
    package var isOver: Bool { ["complete", "failed", "cancelled"].contains(word) }
}
