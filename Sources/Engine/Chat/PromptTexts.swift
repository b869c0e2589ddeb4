internal import CEngine
internal import JSON

/// Looks for texts of a conversation in the prompt that was made of it.
struct PromptTexts {
    private let prompt: [UInt8]
    /// Texts mostly come in their order: the search goes on where the last one was found.
    private var place = 0

    init(_ prompt: String) { self.prompt = Array(prompt.utf8) }

    /// Whether the text stands in the prompt: as it is, without white space around it, or escaped as in JSON.
    mutating func contains(_ text: String) -> Bool {
        let trimmed = Self.trimmed(Array(text.utf8))
        guard !trimmed.isEmpty else { return true }
        if find(trimmed) { return true }
        let text = String(decoding: trimmed, as: UTF8.self)
        for format in [JSONFormat.compact, .python(ensuresASCII: true)] {
            let escaped = Array(JSONValue.string(text).serialized(format).utf8.dropFirst().dropLast())
            if escaped != trimmed, find(escaped) { return true }
        }
        return false
    }

    private mutating func find(_ text: [UInt8]) -> Bool {
        for begin in place == 0 ? [0] : [place, 0] {
            guard let found = Self.place(of: text, in: prompt, from: begin) else { continue }
            place = found + text.count
            return true
        }
        return false
    }

    private static func place(of text: [UInt8], in prompt: [UInt8], from begin: Int) -> Int? {
        guard begin + text.count <= prompt.count else { return nil }
        return prompt.withUnsafeBytes { prompt in
            text.withUnsafeBytes { text in
                guard let base = prompt.baseAddress, let wanted = text.baseAddress else { return nil }
                let found = shoal_find(base + begin, prompt.count - begin, wanted, text.count)
                return found < 0 ? nil : begin + Int(found)
            }
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }),
            let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return [] }
        return Array(bytes[first...last])
    }
}
