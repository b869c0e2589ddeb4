/// What a model is made for, as far as its publisher's tags and its name say.
package enum ModelTask: String, Sendable, Hashable, CaseIterable {
    case chat, code, vision, multilingual, reasoning

    /// Words that speak for the task when they stand by themselves in a tag or a name.
    private var signs: Set<String> {
        switch self {
        case .chat: ["chat", "instruct", "conversational", "it", "assistant"]
        case .code: ["code", "coder", "coding", "starcoder", "codellama", "codestral", "devstral"]
        case .vision: ["vision", "vl", "vlm", "multimodal", "llava", "mmproj", "pixtral"]
        case .multilingual: ["multilingual", "translation", "aya", "madlad"]
        case .reasoning: ["reasoning", "thinking", "think", "r1", "qwq", "o1"]
        }
    }

    /// The tasks that tags and name of a repository speak of.
    package static func of(tags: [String], name: String) -> Set<ModelTask> {
        let texts = tags.map { $0.lowercased() } + [name.lowercased()]
        var words: Set<String> = []
        for text in texts {
            words.formUnion(text.split { !$0.isLetter && !$0.isNumber }.map(String.init))
        }
        if texts.contains("image-text-to-text") { words.insert("vision") }
        // Two languages at least, by the hub's two-letter tags.
        let languages = tags.filter { $0.utf8.count == 2 && $0.utf8.allSatisfy { (97...122).contains($0) } }
        if Set(languages).count > 2 { words.insert("multilingual") }
        return Set(allCases.filter { !$0.signs.isDisjoint(with: words) })
    }
}
