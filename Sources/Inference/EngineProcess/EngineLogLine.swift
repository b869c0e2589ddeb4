package import Logging

/// One line that an engine wrote on its standard error, with the level that it names.
package struct EngineLogLine: Equatable {
    package let level: Logger.Level
    package let text: String

    package init(level: Logger.Level, text: String) {
        self.level = level
        self.text = text
    }

    /// Reads a line. The level is the first of the line's first two words that names one, as swift-log's standard
    /// handler writes it (`2026-01-01T00:00:00+0000 info shoal-engine: …`); a line without one is for debugging. The text
    /// is what comes after the level: the record that carries it has a time and a level of its own.
    package init(_ line: some StringProtocol) {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
        let named = words.prefix(2).enumerated().lazy.compactMap { index, word -> (Int, Logger.Level)? in
            var name = word.lowercased()
            name.removeAll { "[]:()".contains($0) }
            return Logger.Level(rawValue: name == "warn" ? "warning" : name).map { (index, $0) }
        }
        guard let (index, level) = named.first else {
            self.level = .debug
            text = String(line)
            return
        }
        self.level = level
        text = String(line[words[index].endIndex...].drop { $0 == " " })
    }
}
