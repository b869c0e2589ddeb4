/// How long to wait before something that keeps ending is started again: not at all after the first end, then twice as
/// long each time, until it has run well for a while.
package struct RestartPause: Sendable {
    private static let first: Duration = .milliseconds(250)
    private static let longest: Duration = .seconds(30)
    /// What ran for this long counts as well.
    private static let wellFor: Duration = .seconds(30)

    private var pause: Duration = .zero
    private var notBefore: ContinuousClock.Instant?

    package init() {}

    /// Notes an end that nobody asked for.
    package mutating func ended(after lifetime: Duration, now: ContinuousClock.Instant) {
        if lifetime >= Self.wellFor {
            pause = .zero
            notBefore = nil
            return
        }
        notBefore = now.advanced(by: pause)
        pause = pause == .zero ? Self.first : min(pause * 2, Self.longest)
    }

    /// What is left of the wait.
    package func delay(now: ContinuousClock.Instant) -> Duration {
        guard let notBefore else { return .zero }
        return max(.zero, now.duration(to: notBefore))
    }
}
