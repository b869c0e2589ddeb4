import GGUF
package import Identifiers
import Synchronization

/// A loaded window that is in use for as long as the value lives: it is not unloaded to make room meanwhile.
package final class WindowLease: Sendable {
    package let connection: EngineConnection
    package let layers: LayerRange
    private let uses: UseCount

    init(connection: EngineConnection, layers: LayerRange, uses: UseCount) {
        self.connection = connection
        self.layers = layers
        self.uses = uses
        uses.begin()
    }

    deinit { uses.end() }
}

/// How many leases a window has, and when the last one ended.
final class UseCount: Sendable {
    private struct State {
        var count = 0
        var last = ContinuousClock.now
        var reservedUntil = ContinuousClock.now
    }

    private let state = Mutex(State())

    func begin() {
        state.withLock { $0.count += 1 }
    }

    func end() {
        state.withLock { state in
            state.count -= 1
            state.last = .now
        }
    }

    /// Keeps the window for sessions that are about to come from other nodes.
    func reserve(for duration: Duration) {
        state.withLock { $0.reservedUntil = max($0.reservedUntil, ContinuousClock.now.advanced(by: duration)) }
    }

    var isIdle: Bool { state.withLock { $0.count == 0 && $0.reservedUntil <= .now } }

    var count: Int { state.withLock { $0.count } }

    var lastUse: ContinuousClock.Instant { state.withLock { $0.count > 0 ? .now : $0.last } }
}
