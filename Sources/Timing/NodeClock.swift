#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// The time that a node goes by; tests put in one of their own.
package struct NodeClock: Sendable {
    /// Time since some fixed moment; never goes back.
    package var now: @Sendable () -> Duration
    package var sleep: @Sendable (Duration) async throws -> Void
    /// The calendar's time, for what is stored, shown, and told to other machines.
    package var date: @Sendable () -> Date

    package init<C: Clock>(_ clock: C, date: @escaping @Sendable () -> Date = { Date() }) where C.Duration == Duration {
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
        self.date = date
    }

    /// A clock that nobody sleeps by.
    package init(now: @escaping @Sendable () -> Duration, date: @escaping @Sendable () -> Date) {
        self.now = now
        self.sleep = { _ in preconditionFailure("nobody sleeps by this clock") }
        self.date = date
    }

    package static var system: NodeClock { NodeClock(ContinuousClock()) }

    /// Seconds since 1970, as tables hold them.
    package var seconds: Double { date().timeIntervalSince1970 }
}
