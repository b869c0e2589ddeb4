import Synchronization

/// Environment variables that engines get besides those of their daemon, from their next start on.
final class EngineVariables: Sendable {
    private let values = Mutex<[String: String]>([:])

    var current: [String: String] { values.withLock { $0 } }

    /// - Returns: whether anything changed.
    func replace(with new: [String: String]) -> Bool {
        values.withLock { values in
            defer { values = new }
            return values != new
        }
    }
}
