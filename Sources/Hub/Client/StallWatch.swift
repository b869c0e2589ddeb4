import NIOCore
import Synchronization

/// Notices when a sender says nothing for too long, or next to nothing for longer. Time in which the taker is busy does not
/// count.
final class StallWatch: Sendable {
    private struct State {
        /// When the wait for the next bytes began; nil while there is no wait.
        var since: ContinuousClock.Instant?
        /// Earlier waits within the window.
        var waited: Duration = .zero
        /// What came within the window.
        var bytes = 0

        func waited(at now: ContinuousClock.Instant) -> Duration { waited + (since.map { now - $0 } ?? .zero) }
    }

    private let state = Mutex(State())
    private let limit: Duration
    private let window: Duration
    private let leastBytes: Double
    private let end: ContinuousClock.Instant?
    private let total: Duration?

    /// - Parameter total: longest time for everything.
    init(_ configuration: HubConfiguration, total: Duration?) {
        limit = configuration.stallLimit
        window = max(configuration.slownessWindow, configuration.stallLimit)
        leastBytes = Double(configuration.leastBytesPerSecond) * (window / .seconds(1))
        self.total = total
        end = total.map { ContinuousClock.now + $0 }
        isWaiting()
    }

    func isWaiting() { state.withLock { $0.since = ContinuousClock.now } }

    /// The wait is over, and brought so many bytes.
    func isBusy(with bytes: Int) {
        state.withLock { state in
            state.waited = state.waited(at: .now)
            state.since = nil
            state.bytes += bytes
        }
    }

    /// Runs until a stall, which it throws as `Setback.stalled` or `Setback.slow`, or until it is cancelled.
    func run() async throws {
        while true {
            let now = ContinuousClock.now
            let (since, rest) = try state.withLock { state in
                if state.waited(at: now) >= window {
                    guard Double(state.bytes) >= leastBytes else { throw Setback.slow(window) }
                    // What is being waited already belongs to the window that is over.
                    state.waited = state.since.map { $0 - now } ?? .zero
                    state.bytes = 0
                }
                return (state.since, window - state.waited(at: now))
            }
            let next = (since ?? now) + limit
            if next <= now { throw Setback.stalled(limit) }
            if let end, let total, end <= now { throw Setback.stalled(total) }
            try await Task.sleep(until: min(next, now + rest, end ?? next), clock: .continuous)
        }
    }
}

/// Bytes that arrive in pieces.
final class Collector: Sendable {
    private let state = Mutex<[UInt8]>([])

    var bytes: [UInt8] { state.withLock { $0 } }

    /// Takes a piece; false where more than `limit` bytes would come together.
    func append(_ chunk: ByteBuffer, upTo limit: Int) -> Bool {
        state.withLock { bytes in
            guard bytes.count + chunk.readableBytes <= limit else { return false }
            bytes.append(contentsOf: chunk.readableBytesView)
            return true
        }
    }
}
