import NIOCore
import Synchronization

/// Notices when a sender says nothing for too long. Time in which the taker is busy does not count.
final class StallWatch: Sendable {
    private struct State {
        /// When the wait for the next bytes began; nil while there is no wait.
        var since: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let limit: Duration
    private let end: ContinuousClock.Instant?
    private let total: Duration?

    /// - Parameter total: longest time for everything.
    init(limit: Duration, total: Duration?) {
        self.limit = limit
        self.total = total
        end = total.map { ContinuousClock.now + $0 }
        isWaiting()
    }

    func isWaiting() { state.withLock { $0.since = ContinuousClock.now } }

    func isBusy() { state.withLock { $0.since = nil } }

    /// Runs until a stall, which it throws as `Setback.stalled`, or until it is cancelled.
    func run() async throws {
        while true {
            let now = ContinuousClock.now
            let next = (state.withLock { $0.since } ?? now) + limit
            if next <= now { throw Setback.stalled(limit) }
            if let end, let total, end <= now { throw Setback.stalled(total) }
            try await Task.sleep(until: min(next, end ?? next), clock: .continuous)
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
