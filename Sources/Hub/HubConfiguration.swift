/// Where the hub is, who asks, and how patient the client is.
package struct HubConfiguration: Sendable, Equatable {
    package var endpoint = HubEndpoint.huggingFace
    package var token: HubToken?
    /// What the client calls itself.
    package var userAgent = "shoal"

    /// Longest time until a connection stands.
    package var connectLimit: Duration = .seconds(10)
    /// Longest time from a request until its answer begins.
    package var answerLimit: Duration = .seconds(30)
    /// Longest time without a single byte of an answer that has begun.
    package var stallLimit: Duration = .seconds(30)
    /// Least speed of an answer that has begun, over ``slownessWindow`` of waiting for it.
    package var leastBytesPerSecond = 1024
    /// How long an answer may be slower than that; at least ``stallLimit``.
    package var slownessWindow: Duration = .seconds(60)
    /// Tries of one request that bring nothing new before it fails.
    package var maximumAttempts = 6
    /// What is waited after a first failure; doubled after each further one, with jitter.
    package var firstPause: Duration = .milliseconds(500)
    /// Longest wait that the client chooses itself.
    package var longestPause: Duration = .seconds(30)
    /// Longest wait that it lets the hub impose with `Retry-After`; when more is asked for, the request fails.
    package var longestRetryAfter: Duration = .seconds(300)

    /// Connections for the ranges of one file.
    package var connections = 4
    /// Ranges are asked for in pieces of at most this many bytes, so that several connections have work.
    package var pieceBytes: UInt64 = 32 << 20
    /// Gaps up to this many bytes between wanted ranges are read and dropped rather than asked around.
    package var longestGapBytes: UInt64 = 64 << 10

    package init() {}

    /// The hub itself, without a token.
    package static let defaults = HubConfiguration()
}
