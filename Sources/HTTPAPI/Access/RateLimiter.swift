import Synchronization

/// A token bucket for each caller.
///
/// A bucket holds one minute's worth of requests and fills evenly, so that a caller may spend its minute at once and then goes on
/// at the steady rate. Buckets that are full again are forgotten.
final class RateLimiter<Caller: Hashable & Sendable, C: Clock>: Sendable where C.Duration == Duration {
    private struct Bucket {
        var tokens: Double
        var updated: C.Instant
    }

    private let clock: C
    private let perMinute: Double
    private let buckets = Mutex<[Caller: Bucket]>([:])
    /// Past this many callers, full buckets are dropped before a new one is made.
    private let pruneThreshold: Int

    /// - Parameter perMinute: requests per minute and caller; 0 lets everything pass.
    init(perMinute: Int, clock: C, pruneThreshold: Int = 4096) {
        self.perMinute = Double(perMinute)
        self.clock = clock
        self.pruneThreshold = pruneThreshold
    }

    /// Takes one request from the caller's bucket; returns how long to wait when it is empty, `nil` when the request may pass.
    func take(from caller: Caller) -> Duration? {
        guard perMinute > 0 else { return nil }
        let now = clock.now
        return buckets.withLock { buckets in
            if buckets[caller] == nil, buckets.count >= pruneThreshold {
                buckets = buckets.filter { filled($0.value, at: now) < perMinute }
            }
            var bucket = buckets[caller] ?? Bucket(tokens: perMinute, updated: now)
            bucket.tokens = filled(bucket, at: now)
            bucket.updated = now
            defer { buckets[caller] = bucket }
            guard bucket.tokens >= 1 else { return .seconds((1 - bucket.tokens) * 60 / perMinute) }
            bucket.tokens -= 1
            return nil
        }
    }

    private func filled(_ bucket: Bucket, at now: C.Instant) -> Double {
        let seconds = bucket.updated.duration(to: now) / .seconds(1)
        return min(perMinute, bucket.tokens + max(0, seconds) * perMinute / 60)
    }
}
