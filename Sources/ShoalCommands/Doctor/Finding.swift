#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What one check of `shoal doctor` found.
struct Finding: Sendable, Hashable, Encodable {
    enum State: String, Sendable, Encodable { case ok, warn, fail }

    /// What was looked at, in one or two words.
    let check: String
    let state: State
    let message: String
    /// How to mend it.
    let mend: String?

    static func ok(_ check: String, _ message: String) -> Finding {
        Finding(check: check, state: .ok, message: message, mend: nil)
    }

    static func warn(_ check: String, _ message: String, mend: String) -> Finding {
        Finding(check: check, state: .warn, message: message, mend: mend)
    }

    static func fail(_ check: String, _ message: String, mend: String) -> Finding {
        Finding(check: check, state: .fail, message: message, mend: mend)
    }

    /// One line, and a second one when there is something to mend.
    func text(coloured: Bool) -> String {
        let colour =
            switch state {
            case .ok: "32"
            case .warn: "33"
            case .fail: "31"
            }
        let word = state.rawValue.padded(to: 4)
        let shown = coloured ? "\u{1b}[\(colour)m\(word)\u{1b}[0m" : word
        let line = "\(shown)  \(check.padded(to: 16))  \(message)"
        return mend.map { "\(line)\n      → \($0)" } ?? line
    }

    static func json(_ findings: [Finding]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(findings), as: UTF8.self)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
