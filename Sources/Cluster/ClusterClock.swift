#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// The time that a cluster goes by; tests put in one of their own.
package struct ClusterClock: Sendable {
    /// Time since some fixed moment; never goes back.
    package var now: @Sendable () -> Duration
    package var sleep: @Sendable (Duration) async throws -> Void
    /// The calendar's time, for what is stored and shown.
    package var date: @Sendable () -> Date

    package init<C: Clock>(_ clock: C, date: @escaping @Sendable () -> Date = { Date() }) where C.Duration == Duration {
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
        self.date = date
    }

    package static var system: ClusterClock { ClusterClock(ContinuousClock()) }
}
