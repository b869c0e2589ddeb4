internal import Engine
internal import GGUF
internal import Identifiers
internal import Synchronization

/// Which windows of this process take part in which sessions, so that frames from other engines find them.
final class SessionDirectory: Sendable {
    private let windows = Mutex<[SessionID: [Int: Window]]>([:])

    func add(_ session: SessionID, _ window: Window) {
        windows.withLock { $0[session, default: [:]][window.layers.first] = window }
    }

    func remove(_ session: SessionID, _ window: Window) {
        windows.withLock { windows in
            windows[session]?[window.layers.first] = nil
            if windows[session]?.isEmpty == true { windows[session] = nil }
        }
    }

    /// The window of a session that begins with `firstLayer`.
    func window(of session: SessionID, firstLayer: Int) -> Window? {
        windows.withLock { $0[session]?[firstLayer] }
    }

    /// All windows that take part in a session here.
    func windows(of session: SessionID) -> [Window] {
        windows.withLock { Array(($0[session] ?? [:]).values) }
    }

    /// How many sessions a window takes part in.
    func sessionCount(in window: Window) -> Int {
        windows.withLock { $0.values.count { $0[window.layers.first] === window } }
    }
}
