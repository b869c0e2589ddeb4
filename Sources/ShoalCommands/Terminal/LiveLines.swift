/// Lines at the bottom of a terminal that are drawn again in place.
struct LiveLines {
    private let write: (String) -> Void
    private var drawn = 0

    init(write: @escaping (String) -> Void = { Terminal.writeError($0) }) {
        self.write = write
    }

    /// Draws these lines over the ones before. No line may be wider than the terminal.
    mutating func draw(_ lines: [String]) {
        // One write, so that nobody sees half a picture.
        var text = drawn > 0 ? "\u{1b}[\(drawn)A\r" : "\r"
        for line in lines { text += "\u{1b}[2K\(line)\n" }
        if lines.count < drawn { text += "\u{1b}[J" }
        write(text)
        drawn = lines.count
    }

    /// Leaves the lines where they are; the next ones come below.
    mutating func keep() { drawn = 0 }
}
