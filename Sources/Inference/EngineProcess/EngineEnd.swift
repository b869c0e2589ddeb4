import Subprocess
import Synchronization

/// How an engine process ended, as the log tells it.
struct EngineEnd: Sendable {
    /// Nil where there was no process.
    let status: TerminationStatus?
    /// What it said last on standard error, oldest first.
    let lastLines: [String]

    /// The exit status or the signal.
    var reason: String {
        switch status {
        case .exited(let code): "exit status \(code)"
        case .signaled(let number): "signal \(number)"
        case nil: "it did not start"
        }
    }
}

/// The last lines that a process wrote.
final class LastLines: Sendable {
    private static let count = 20
    private static let maximumLength = 400

    private let lines = Mutex<[String]>([])

    func add(_ line: String) {
        lines.withLock { lines in
            if lines.count == Self.count { lines.removeFirst() }
            lines.append(String(line.prefix(Self.maximumLength)))
        }
    }

    var all: [String] { lines.withLock { $0 } }
}
