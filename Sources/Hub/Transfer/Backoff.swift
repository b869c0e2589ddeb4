/// How long to wait before the next try: exponential, with jitter so that many clients do not come back at once.
struct Backoff {
    let first: Duration
    let longest: Duration

    /// Half to all of `first` · 2^`failures`⁻¹, at most half to all of `longest`.
    ///
    /// - Parameter failures: tries that failed so far, from 1.
    func pause(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let doubled = first * Int(1 << min(max(failures - 1, 0), 20))
        let whole = min(doubled, longest)
        return whole * Double.random(in: 0.5...1, using: &generator)
    }
}
