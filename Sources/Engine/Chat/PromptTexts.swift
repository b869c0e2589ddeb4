internal import CEngine
internal import JSON

/// Looks for texts of a conversation in the prompt that was made of it.
struct PromptTexts {
    private let prompt: [UInt8]
    /// Texts mostly come in their order: the search goes on where the last one was found.
    private var place = 0

    init(_ prompt: String) { self.prompt = Array(prompt.utf8) }

    /// Whether the text stands in the prompt: as it is, without white space around it, or escaped as JSON or Python escape.
    mutating func contains(_ text: String) -> Bool {
        let trimmed = text.trimmed
        let raw = Array(trimmed.utf8)
        guard !raw.isEmpty else { return true }
        if find(raw) { return true }
        let json = Self.escaped(trimmed, .compact)
        let forms = [
            json, Self.escaped(trimmed, .python(ensuresASCII: true)),
            // JSON in a JSON string.
            Self.escaped(json, .compact),
            // A Python literal between quotes of either kind.
            json.replacing("\\\"", with: "\""), json.replacing("\\\"", with: "\"").replacing("'", with: "\\'"),
        ]
        return forms.contains { $0 != trimmed && find(Array($0.utf8)) }
    }

    /// Whether the text stands somewhere behind the one that was found last.
    func follows(_ text: String) -> Bool {
        let trimmed = text.trimmed
        return [trimmed, Self.escaped(trimmed, .compact)].contains { form in
            form.isEmpty || Self.place(of: Array(form.utf8), in: prompt, from: place) != nil
        }
    }

    private static func escaped(_ text: String, _ format: JSONFormat) -> String {
        String(JSONValue.string(text).serialized(format).dropFirst().dropLast())
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
}
