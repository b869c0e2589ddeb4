import Synchronization

/// Counts of requests and their durations, by method, route and status.
final class HTTPMetrics: Sendable {
    struct Key: Hashable, Comparable {
        let method: String
        let route: String
        let status: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.route, left.method, left.status) < (right.route, right.method, right.status)
        }
    }

    /// A cumulative histogram of seconds.
    struct Histogram {
        /// Upper bounds of the buckets, in seconds.
        static let bounds = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
        private(set) var counts = [Int](repeating: 0, count: bounds.count)
        private(set) var count = 0
        private(set) var sum = 0.0

        mutating func observe(_ seconds: Double) {
            for index in Self.bounds.indices where seconds <= Self.bounds[index] { counts[index] += 1 }
            count += 1
            sum += seconds
        }
    }

    struct Snapshot {
        var requests: [Key: Int] = [:]
        var durations: [String: Histogram] = [:]
        /// From the request to the first token of an answer.
        var firstToken = Histogram()
        /// From the request to the end of an answer.
        var generation = Histogram()
    }

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    func record(method: String, route: String, status: Int, duration: Duration) {
        state.withLock { state in
            state.requests[Key(method: method, route: route, status: status), default: 0] += 1
            state.durations[route, default: Histogram()].observe(duration / .seconds(1))
        }
    }

    func recordFirstToken(after duration: Duration) { state.withLock { $0.firstToken.observe(duration / .seconds(1)) } }

    func recordGeneration(duration: Duration) { state.withLock { $0.generation.observe(duration / .seconds(1)) } }
}
