import Node

/// Why a command failed, as a person at a terminal is told: `error: message`, then what to do.
package struct CommandError: Error, Hashable, CustomStringConvertible {
    package let message: String
    /// What to do about it.
    package let hint: String?
    /// Whether the node knows who asks, and does not let them.
    let isForbidden: Bool

    package init(_ message: String, hint: String? = nil) {
        self.init(message, hint: hint, isForbidden: false)
    }

    init(_ message: String, hint: String?, isForbidden: Bool) {
        self.message = message
        self.hint = hint
        self.isForbidden = isForbidden
    }

    /// Any error in words; errors of this project describe themselves in whole sentences.
    package init(describing error: any Error) {
        if let error = error as? CommandError {
            self = error
        } else if error is CancellationError {
            self.init("interrupted")
        } else {
            self.init("\(error)")
        }
    }

    package var description: String {
        hint.map { "\(message)\n  hint: \($0)" } ?? message
    }
}
