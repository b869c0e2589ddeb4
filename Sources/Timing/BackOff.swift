/// How long to wait before what failed is tried again: twice as long after each failure, and longer or shorter at random, so that not
/// all who failed together come back together.
package struct BackOff: Sendable {
    package var first: Duration
    package var longest: Duration
    /// What a pause is multiplied with, at random.
    package var spread: ClosedRange<Double>

    package init(first: Duration, longest: Duration, spread: ClosedRange<Double>) {
        self.first = first
        self.longest = longest
        self.spread = spread
    }

    /// - Parameter failures: how many tries have failed in a row, at least 1.
    package func pause(afterFailures failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let doublings = min(max(failures, 1) - 1, 20)
        return min(first * (1 << doublings), longest) * Double.random(in: spread, using: &random)
    }
}
