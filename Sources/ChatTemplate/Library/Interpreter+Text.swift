// Operations on text that are charged for before they are done, because their result can be much larger than what they get.
extension Interpreter {
    /// Where padding goes.
    enum Alignment {
        case left
        case right
        case center
    }

    /// The text padded to a number of characters; `alignment` says on which side the text is afterwards.
    func pad(
        _ text: String, to width: Int, with fill: String, _ alignment: Alignment
    ) throws(ChatTemplateError) -> String {
        let missing = width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        try charge(textBytes: width.saturatingMultiplied(by: fill.utf8.count))
        switch alignment {
        case .left: return text + String(repeating: fill, count: missing)
        case .right: return String(repeating: fill, count: missing) + text
        case .center:
            // As CPython's `str.center`: the odd character goes left if the width is odd.
            let left = missing / 2 + (missing & width & 1)
            return String(repeating: fill, count: left) + text + String(repeating: fill, count: missing - left)
        }
    }

    func replace(
        in text: String, _ old: String, with new: String, limit: Int
    ) throws(ChatTemplateError) -> String {
        try charge(textBytes: text.utf8.count)
        let found =
            old.isEmpty ? text.unicodeScalars.count + 1 : text.pythonSplit(separator: old, limit: limit).count - 1
        let replaced = limit < 0 ? found : min(found, limit)
        try charge(textBytes: text.utf8.count.saturatingAdding(replaced.saturatingMultiplied(by: new.utf8.count)))
        return text.pythonReplacing(old, with: new, limit: limit)
    }

    func join(_ parts: [String], separator: String) throws(ChatTemplateError) -> String {
        let size = parts.reduce(0) { $0.saturatingAdding($1.utf8.count) }
        try charge(parts.count)
        try charge(textBytes: size.saturatingAdding(parts.count.saturatingMultiplied(by: separator.utf8.count)))
        return parts.joined(separator: separator)
    }
}
