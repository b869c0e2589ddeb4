import Generation
import Synchronization

/// Counts what the node serves.
final class StatisticsRecorder: Sendable {
    private static let keptSamples = 1000

    private struct State {
        var counts = InferenceStatistics()
        /// The latest latencies, in milliseconds, in no order.
        var latencies: [Double] = []
        var next = 0
    }

    private let state = Mutex(State())

    /// What has been counted so far.
    var statistics: InferenceStatistics {
        state.withLock { state in
            var counts = state.counts
            counts.latency = InferenceStatistics.Latency(samples: state.latencies)
            return counts
        }
    }

    func began() {
        state.withLock { state in
            state.counts.requestsMade += 1
            state.counts.activeRequests += 1
        }
    }

    func failed() {
        state.withLock { state in
            state.counts.activeRequests -= 1
            state.counts.requestsFailed += 1
        }
    }

    /// The client went away.
    func abandoned() {
        state.withLock { $0.counts.activeRequests -= 1 }
    }

    func embedded(tokens: Int, latency: Duration) {
        state.withLock { state in
            state.counts.activeRequests -= 1
            state.counts.requestsServed += 1
            state.counts.promptTokens += tokens
            Self.note(latency, in: &state)
        }
    }

    func finished(_ ending: GenerationSession.Ending, latency: Duration) {
        state.withLock { state in
            state.counts.activeRequests -= 1
            state.counts.requestsServed += 1
            state.counts.reroutes += ending.reroutes
            if ending.isForwarded { state.counts.forwardsMade += 1 }
            state.counts.promptTokens += ending.result.usage.promptTokens
            state.counts.cachedTokens += ending.result.usage.cachedTokens
            state.counts.completionTokens += ending.result.usage.completionTokens
            state.counts.promptSeconds += ending.result.timings.promptMilliseconds / 1000
            state.counts.decodeSeconds += ending.result.timings.decodeMilliseconds / 1000
            Self.note(latency, in: &state)
        }
    }

    func forwarded() {
        state.withLock { $0.counts.forwardsServed += 1 }
    }

    private static func note(_ latency: Duration, in state: inout State) {
        let milliseconds = latency / .milliseconds(1)
        if state.latencies.count < keptSamples {
            state.latencies.append(milliseconds)
        } else {
            state.latencies[state.next] = milliseconds
            state.next = (state.next + 1) % keptSamples
        }
    }
}
