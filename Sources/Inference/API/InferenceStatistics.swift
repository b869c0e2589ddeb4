/// What the node has served since it started.
package struct InferenceStatistics: Sendable {
    /// Latencies of finished generations, whole requests, in milliseconds; over the last 1,000 of them.
    package struct Latency: Sendable, Equatable {
        package let samples: Int
        package let average: Double
        package let minimum: Double
        package let maximum: Double
        package let p50: Double
        package let p95: Double
        package let p99: Double

        /// Sums up samples in milliseconds; nil when there are none. Percentiles are nearest-rank.
        package init?(samples values: [Double]) {
            guard !values.isEmpty else { return nil }
            let sorted = values.sorted()
            func percentile(_ percent: Int) -> Double {
                sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
            }
            samples = sorted.count
            average = sorted.reduce(0, +) / Double(sorted.count)
            minimum = sorted[0]
            maximum = sorted[sorted.count - 1]
            p50 = percentile(50)
            p95 = percentile(95)
            p99 = percentile(99)
        }
    }

    /// Generations and embeddings that ended well, asked for at this node.
    package var requestsServed = 0
    /// Generations and embeddings that were asked for at this node.
    package var requestsMade = 0
    /// Sessions of other nodes for which a window was made ready here.
    package var forwardsServed = 0
    /// Sessions that ran at least partly on other nodes.
    package var forwardsMade = 0
    /// Sessions that went on elsewhere after a segment was lost.
    package var reroutes = 0
    /// Generations that failed.
    package var requestsFailed = 0
    /// Generations under way.
    package var activeRequests = 0
    package var promptTokens = 0
    package var cachedTokens = 0
    package var completionTokens = 0
    /// Seconds spent on prompts and on decoding, over all finished generations.
    package var promptSeconds = 0.0
    package var decodeSeconds = 0.0
    package var latency: Latency?

    package init() {}
}
