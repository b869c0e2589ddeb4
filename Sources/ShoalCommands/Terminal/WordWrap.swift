/// Breaks a text that comes in pieces into lines between its words.
struct WordWrap {
    private let columns: Int
    /// Columns used in the line.
    private var used = 0
    /// The word that is coming, and the blanks before it.
    private var word: [Character] = []
    private var wordColumns = 0
    private var blanks: [Character] = []

    /// - Parameter columns: of the terminal.
    init(columns: Int) {
        self.columns = max(columns, 10)
    }

    /// What can be written now that this has come.
    mutating func feed(_ text: some StringProtocol) -> String {
        var output = ""
        for character in text {
            if character.isNewline {
                flush(to: &output)
                blanks = []
                output.append("\n")
                used = 0
            } else if character == " " || character == "\t" {
                flush(to: &output)
                blanks.append(character)
            } else {
                word.append(character)
                wordColumns += character.columns
                // A word longer than a line is broken by the terminal; scripts without blanks are written as they come.
                if wordColumns >= columns || character.columns == 2 { flush(to: &output) }
            }
        }
        return output
    }

    /// What is left when no more comes.
    mutating func finish() -> String {
        var output = ""
        flush(to: &output)
        blanks = []
        return output
    }

    private mutating func flush(to output: inout String) {
        guard !word.isEmpty else { return }
        // Without blanks this is more of the same word.
        if used > 0, !blanks.isEmpty, used + blanks.count + wordColumns > columns {
            output.append("\n")
            used = 0
        } else {
            output.append(contentsOf: blanks)
            used += blanks.count
        }
        output.append(contentsOf: word)
        used += wordColumns
        if used > columns { used = (used - 1) % columns + 1 }
        blanks = []
        word = []
        wordColumns = 0
    }
}
