/// How long to wait before a peer that did not answer is called again: 1 s, doubling to a minute, each a quarter longer
/// or shorter at random, so that the nodes of a swarm do not all call at once.
package struct BackOff: Sendable {
    package var first: Duration = .seconds(1)
    package var longest: Duration = .seconds(60)
    package var jitter = 0.25

    package init() {}

    /// - Parameter failures: how many calls have failed in a row, at least 1.
    package func delay(afterFailures failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let doublings = min(max(failures, 1) - 1, 20)
        let base = min(first * (1 << doublings), longest)
        return base * Double.random(in: (1 - jitter)...(1 + jitter), using: &random)
    }
}
