import Node
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What “shoal chat” remembers between its runs, for its user alone: what was asked, and who was asked last. It lies in
/// `$XDG_STATE_HOME/shoal`, or `~/.local/state/shoal`.
struct ChatMemory {
    private static let maximumLines = 500
    /// Longer questions are not remembered.
    private static let longestLine = 4096

    private let folder: String
    /// Nothing is made for a user who has no home.
    private let hasHome: Bool
    private var questionsFile: String { folder + "/chat_history" }
    private var modelFile: String { folder + "/chat_model" }

    init(environment: [String: String]) {
        let named = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        folder = (named ?? Settings.absolutePath("~/.local/state", environment: environment)) + "/shoal"
        hasHome =
            named != nil
            || FileManager.default.fileExists(atPath: Settings.absolutePath("~", environment: environment))
    }

    /// The questions before, the latest last.
    func questions() -> [String] {
        guard let bytes = try? SmallFile.read(questionsFile, limit: 4 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(Self.maximumLines).map(String.init)
    }

    /// The model that was asked last.
    func model() -> String? {
        guard let bytes = try? SmallFile.read(modelFile, limit: 1024) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init)
    }

    /// Not to remember is no fault.
    func note(question: String) {
        guard !question.contains(where: \.isNewline), question.utf8.count <= Self.longestLine else { return }
        var lines = questions()
        guard lines.last != question else { return }
        lines = (lines + [question]).suffix(Self.maximumLines)
        write(lines.joined(separator: "\n") + "\n", to: questionsFile)
    }

    func note(model: String) {
        if self.model() != model { write(model + "\n", to: modelFile) }
    }

    private func write(_ text: String, to file: String) {
        guard hasHome else { return }
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try? SmallFile.write(Array(text.utf8), to: file)
    }
}
