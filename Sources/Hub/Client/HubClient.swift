import AsyncHTTPClient
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Timing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Searches the Hugging Face hub, and reads the files on it.
///
/// Everything that waits has a limit, everything that may succeed later is tried again, and cancelling the task ends it at once.
/// The token goes to the configured endpoint and to nobody else.
///
/// - Important: Call ``shutdown()`` before the last reference goes away.
package final class HubClient: Sendable {
    package let configuration: HubConfiguration
    let transport: HubTransport
    let locations = LocationTable()
    let logger: Logger

    /// Longest answer in JSON that is read.
    static let maximumAnswerBytes = 64 << 20

    /// - Throws: `HubError` of code `badConfiguration`.
    package init(configuration: HubConfiguration, logger: Logger) throws {
        var settings = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(configuration.connectLimit)))
        // Several connections are the point: streams of one HTTP/2 connection share its window.
        settings.httpVersion = .http1Only
        settings.connectionPool.retryConnectionEstablishment = false
        // How many ranges are read at once is decided above; waiting for a connection here would count as failing to get one.
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        let http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: settings)
        do {
            transport = try HubTransport(http: http, configuration: configuration, logger: logger)
        } catch {
            try? http.syncShutdown()
            throw error
        }
        self.configuration = configuration
        self.logger = logger
    }

    /// Opens a client for the time that `body` runs.
    package static func with<Result: Sendable>(
        _ configuration: HubConfiguration, logger: Logger, _ body: (HubClient) async throws -> Result
    ) async throws -> Result {
        let client = try HubClient(configuration: configuration, logger: logger)
        do {
            let result = try await body(client)
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Closes all connections. What is still being read ends with an error.
    package func shutdown() async {
        do {
            try await transport.http.shutdown()
        } catch {
            logger.debug("the client of the hub was closed already", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Patience

    /// Runs `body` until it succeeds, fails for good, or has failed too often.
    ///
    /// - Parameter what: what is done, as in "cannot …".
    func retrying<Result: Sendable>(_ what: String, _ body: () async throws -> Result) async throws -> Result {
        var failures = 0
        while true {
            do {
                return try await body()
            } catch let setback as Setback {
                failures += 1
                try await pause(after: setback, failures: failures, doing: what)
            }
        }
    }

    /// Waits before the next try, or throws what the caller is told when there is to be none.
    func pause(after setback: Setback, failures: Int, doing what: String) async throws {
        let wanted: Duration? = if case .refused(_, let retryAfter) = setback { retryAfter } else { nil }
        if failures >= configuration.maximumAttempts { throw failure(setback, attempts: failures, doing: what) }
        if let wanted, wanted > configuration.longestRetryAfter {
            throw HubError(
                .rateLimited,
                "cannot \(what): the hub asks to wait \(wanted.components.seconds) s; try again then, or set HF_TOKEN, which raises its limits"
            )
        }
        let backOff = BackOff(first: configuration.firstPause, longest: configuration.longestPause, spread: 0.5...1)
        var generator = SystemRandomNumberGenerator()
        let own = backOff.pause(afterFailures: failures, using: &generator)
        let pause = wanted.map { $0 + min(own, .seconds(1)) } ?? own
        logger.debug(
            "trying again",
            metadata: ["to": "\(what)", "after": "\(pause)", "failures": "\(failures)", "why": "\(setback.reason)"])
        try await Task.sleep(for: pause)
    }

    private func failure(_ setback: Setback, attempts: Int, doing what: String) -> HubError {
        let tries = attempts == 1 ? "" : " (tried \(attempts) times)"
        let start = "cannot \(what): \(setback.reason)\(tries)"
        switch setback {
        case .broken(let error):
            return HubError(
                .unavailable, "\(start); check the network, and HF_ENDPOINT if it is set", cause: error)
        case .stalled, .slow:
            return HubError(.stalled, "\(start); try again later, or check the network")
        case .refused(429, _):
            return HubError(.rateLimited, "\(start); try again later, or set HF_TOKEN, which raises the hub's limits")
        case .refused:
            return HubError(.unavailable, "\(start); try again later")
        case .expired:
            return HubError(.unauthorized, "\(start); try again later, and check the clock of this machine")
        case .odd:
            return HubError(.badAnswer, "\(start); check HF_ENDPOINT and what lies between")
        }
    }

    // MARK: JSON

    /// Asks the hub for JSON.
    func json<Content: Decodable & Sendable>(
        _ address: String, about subject: Subject, as: Content.Type = Content.self
    ) async throws -> (content: Content, next: String?) {
        guard let url = URL(string: address) else {
            throw HubError(.badAnswer, "the hub names a page that is no address; check HF_ENDPOINT")
        }
        return try await retrying("read \(subject)") {
            let answer = try await transport.follow(.GET, url, headers: [("accept", "application/json")])
            guard answer.status == 200 else { throw await refusal(answer, about: subject) }
            let body = try await transport.collect(answer, upTo: Self.maximumAnswerBytes)
            do {
                let content = try JSONDecoder().decode(Content.self, from: Data(body))
                return (content, LinkHeader.next(answer.response.headers["link"]))
            } catch {
                throw HubError(
                    .badAnswer,
                    "the answer of \(url.host ?? "the hub") about \(subject) is not what the hub answers; check HF_ENDPOINT",
                    cause: error)
            }
        }
    }
}

extension Setback {
    /// What happened, for messages.
    var reason: String {
        switch self {
        case .broken(let error): "the connection failed (\(Self.words(error)))"
        case .stalled(let limit): "nothing arrived for \(Self.words(limit))"
        case .slow(let limit): "next to nothing arrived for \(Self.words(limit))"
        case .refused(429, _): "it answers 429, too many requests"
        case .refused(let status, _): "it answers \(status)"
        case .expired(let status): "the file store refuses the location that the hub gave (\(status))"
        case .odd(let what): what
        }
    }

    private static func words(_ limit: Duration) -> String {
        let (seconds, attoseconds) = limit.components
        return seconds > 0 ? "\(seconds) s" : "\(attoseconds / 1_000_000_000_000_000) ms"
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { words($0.error) } ?? "no address for \(error.host)"
        case let error as IOError: error.description
        case let error as HTTPClientError: error.shortDescription
        default: "\(error)"
        }
    }
}
