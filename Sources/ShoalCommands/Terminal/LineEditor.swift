/// A line that somebody types, with those that were typed before: a pure state machine from keys to text.
struct LineEditor {
    enum Outcome: Hashable {
        case editing
        /// The line is complete.
        case line(String)
        /// It was given up: Ctrl-C.
        case given
        /// There is no more input: Ctrl-D on an empty line.
        case end
    }

    /// Longest line.
    static let longestLine = 1 << 20

    private(set) var text: [Character] = []
    /// Where the next character goes, from 0 to the number of characters.
    private(set) var cursor = 0
    private var history: [String]
    /// Place in the history of what is shown; its count for the line that is being typed.
    private var place: Int
    /// The line that is being typed, while another one is shown.
    private var draft: [Character] = []

    /// - Parameter history: the lines before this one, the latest last.
    init(history: [String] = []) {
        self.history = history
        place = history.count
    }

    mutating func press(_ key: KeyReader.Key) -> Outcome {
        switch key {
        case .character(let character): insert([character])
        // What is pasted stays one message, whatever it consists of.
        case .paste(let pasted):
            insert(pasted.replacing("\r\n", with: "\n").replacing("\r", with: "\n").filter(Self.isShown))
        case .enter: return .line(String(text))
        case .interrupt: return .given
        case .endOfInput where text.isEmpty: return .end
        case .endOfInput, .delete:
            if cursor < text.count { text.remove(at: cursor) }
        case .backspace: remove(from: cursor - 1)
        case .left: cursor = max(0, cursor - 1)
        case .right: cursor = min(text.count, cursor + 1)
        case .home: cursor = 0
        case .end: cursor = text.count
        case .wordLeft: cursor = wordStart
        case .wordRight: cursor = wordEnd
        case .killToEnd: text.removeSubrange(cursor...)
        case .killToStart: remove(from: 0)
        case .killWord: remove(from: wordStart)
        case .up: show(place - 1)
        case .down: show(place + 1)
        case .clearScreen: break
        }
        return .editing
    }

    private static func isShown(_ character: Character) -> Bool {
        character == "\n" || character == "\t"
            || character.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    private mutating func insert(_ characters: some Collection<Character>) {
        guard text.count + characters.count <= Self.longestLine else { return }
        text.insert(contentsOf: characters, at: cursor)
        cursor += characters.count
    }

    private mutating func remove(from start: Int) {
        guard start >= 0, start < cursor else { return }
        text.removeSubrange(start..<cursor)
        cursor = start
    }

    private var wordStart: Int {
        var place = cursor
        while place > 0, text[place - 1].isWhitespace { place -= 1 }
        while place > 0, !text[place - 1].isWhitespace { place -= 1 }
        return place
    }

    private var wordEnd: Int {
        var place = cursor
        while place < text.count, text[place].isWhitespace { place += 1 }
        while place < text.count, !text[place].isWhitespace { place += 1 }
        return place
    }

    private mutating func show(_ wanted: Int) {
        guard (0...history.count).contains(wanted), wanted != place else { return }
        if place == history.count { draft = text }
        place = wanted
        text = wanted == history.count ? draft : Array(history[wanted])
        cursor = text.count
    }

    /// What fits into so many columns around the cursor, and the column of the cursor in it. Line breaks are shown as `⏎`.
    func view(columns: Int) -> (text: String, column: Int) {
        let columns = max(columns, 2)
        let shown = text.map { $0 == "\n" ? "⏎" : $0 == "\t" ? " " : $0 }
        let widths = shown.map(\.columns)
        var start = 0
        // The cursor stays in sight, with a column to spare for itself.
        var before = widths[..<cursor].reduce(0, +)
        while before > columns - 1, start < cursor {
            before -= widths[start]
            start += 1
        }
        var end = start
        var used = 0
        while end < shown.count, used + widths[end] <= columns {
            used += widths[end]
            end += 1
        }
        return (String(shown[start..<end]), before)
    }
}

extension Character {
    /// Columns that it takes on a terminal: 2 for East Asian wide characters and emoji (UAX #11), 0 for marks alone.
    var columns: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return unicodeScalars.contains { $0.value == 0xFE0F } ? 2 : 1
        }
    }
}
