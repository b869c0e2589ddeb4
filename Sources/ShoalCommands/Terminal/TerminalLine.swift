#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads a line from the person at the terminal, who can edit it and go back to former ones.
enum TerminalLine {
    /// - Parameters:
    ///   - prompt: stands before the line, on standard error.
    ///   - history: former lines, the latest last.
    /// - Returns: nil at the end of the input; the empty text where the line was given up.
    static func read(_ prompt: String, history: [String]) -> String? {
        let line = TerminalMode.keys.run { edit(prompt, history: history) }
        return line ?? readLine()
    }

    private static func edit(_ prompt: String, history: [String]) -> String? {
        var editor = LineEditor(history: history)
        var keys = KeyReader()
        draw(prompt, editor)
        while true {
            var byte: UInt8 = 0
            switch systemRead(&byte) {
            case 1: break
            case -1 where errno == EINTR: continue
            default: return nil
            }
            guard let key = keys.feed(byte) else { continue }
            if key == .clearScreen { Terminal.writeError("\u{1B}[H\u{1B}[2J") }
            switch editor.press(key) {
            case .editing: draw(prompt, editor)
            case .line(let text): return text
            case .given: return ""
            case .end: return nil
            }
        }
    }

    private static func systemRead(_ byte: inout UInt8) -> Int {
        #if canImport(Glibc)
            Glibc.read(STDIN_FILENO, &byte, 1)
        #else
            Darwin.read(STDIN_FILENO, &byte, 1)
        #endif
    }

    private static func draw(_ prompt: String, _ editor: LineEditor) {
        let (text, column) = editor.view(columns: Terminal.width - prompt.count - 1)
        let place = prompt.count + column
        Terminal.writeError("\r\u{1B}[2K\(prompt)\(text)\r" + (place > 0 ? "\u{1B}[\(place)C" : ""))
    }
}
