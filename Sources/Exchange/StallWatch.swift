import Synchronization
package import Timing

/// Ends what waits for another node for too long.
///
/// Only waiting counts: between ``wait(_:)``s the other side may be as late as this one is busy.
package final class StallWatch: Sendable {
    /// What was waited for took too long.
    package struct Stalled: Error {}

    private let limit: Duration
    private let clock: NodeClock
    /// Since when something is waited for, and how long it may take.
    private let waiting = Mutex<(since: Duration, limit: Duration)?>(nil)
    /// How late a limit may be noticed that is shorter than that of the whole.
    private static let precision: Duration = .seconds(5)

    private init(limit: Duration, clock: NodeClock) {
        self.limit = limit
        self.clock = clock
    }

    /// Runs `body`, and cancels it when one of its waits takes longer than `limit`.
    ///
    /// - Throws: ``Stalled``, and what `body` throws.
    package static func run<Result: Sendable>(
        limit: Duration, clock: NodeClock = .system, _ body: @escaping @Sendable (StallWatch) async throws -> Result
    ) async throws -> Result {
        let watch = StallWatch(limit: limit, clock: clock)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body(watch) }
            group.addTask {
                try await watch.guardWaits()
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    /// Waits for something that the other node has to do.
    ///
    /// - Parameter limit: how long it may take, where that is less than otherwise.
    package func wait<Result>(
        atMost limit: Duration? = nil, isolation: isolated (any Actor)? = #isolation,
        _ something: () async throws -> Result
    ) async throws -> Result {
        let wait = (since: clock.now(), limit: min(limit ?? self.limit, self.limit))
        waiting.withLock { $0 = wait }
        defer { waiting.withLock { $0 = nil } }
        return try await something()
    }

    /// Returns never, but throws when a wait is over the limit or the task is cancelled.
    private func guardWaits() async throws {
        while true {
            let now = clock.now()
            let rest = waiting.withLock { $0.map { $0.limit - (now - $0.since) } } ?? limit
            guard rest > .zero else { throw Stalled() }
            try await clock.sleep(min(rest, Self.precision))
        }
    }
}
