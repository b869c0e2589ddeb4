package import Logging

/// One line that an engine wrote on its standard error, with the level that it names.
package struct EngineLogLine: Equatable {
    package let level: Logger.Level
    package let text: String

    /// Reads a line. The level is the first of the line's first two words that names one, as swift-log's standard
    /// handler writes it (`2026-01-01T00:00:00+0000 info shoal-engine: …`); a line without one is for debugging.
    package init(_ line: some StringProtocol) {
        text = String(line)
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true).prefix(2)
        let named = words.lazy.compactMap { word -> Logger.Level? in
            var name = word.lowercased()
            name.removeAll { "[]:()".contains($0) }
            return Logger.Level(rawValue: name == "warn" ? "warning" : name)
        }
        level = named.first ?? .debug
    }
}
