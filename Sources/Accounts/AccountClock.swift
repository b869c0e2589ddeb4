#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// The time that accounts go by; tests put in one of their own.
package struct AccountClock: Sendable {
    /// The calendar's time: what is stored, and what expires.
    package var date: @Sendable () -> Date
    /// Time since some fixed moment; never goes back.
    package var uptime: @Sendable () -> Duration

    package init(date: @escaping @Sendable () -> Date, uptime: @escaping @Sendable () -> Duration) {
        self.date = date
        self.uptime = uptime
    }

    package static var system: AccountClock {
        let clock = ContinuousClock()
        let start = clock.now
        return AccountClock(date: { Date() }, uptime: { start.duration(to: clock.now) })
    }

    /// Seconds since 1970, as the tables hold them.
    var seconds: Double { date().timeIntervalSince1970 }
}
