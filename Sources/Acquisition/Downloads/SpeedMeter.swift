/// How many bytes came lately: an average over the latest ten seconds.
package struct SpeedMeter: Sendable {
    /// Bytes are counted in steps of this length.
    private static let step: Duration = .milliseconds(250)
    private static let span: Duration = .seconds(10)

    private var steps: [(start: ContinuousClock.Instant, bytes: UInt64)] = []
    private var first: ContinuousClock.Instant?

    package init() {}

    /// Counts bytes that have just come.
    package mutating func add(_ bytes: UInt64, at now: ContinuousClock.Instant) {
        if first == nil { first = now }
        if let last = steps.last, now - last.start < Self.step {
            steps[steps.count - 1].bytes += bytes
        } else {
            steps.append((now, bytes))
        }
        steps.removeAll { now - $0.start > Self.span }
    }

    /// Bytes per second; 0 before there is anything to go by, and after a pause as long as the span.
    package func bytesPerSecond(at now: ContinuousClock.Instant) -> Double {
        guard let first else { return 0 }
        let recent = steps.filter { now - $0.start <= Self.span }
        let bytes = recent.reduce(0) { $0 + $1.bytes }
        let elapsed = max(min(now - first, Self.span), Self.step)
        return Double(bytes) / (elapsed / .seconds(1))
    }
}
