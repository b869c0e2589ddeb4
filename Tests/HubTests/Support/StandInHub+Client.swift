import Hub
import Logging
import StandIn

extension StandInHub {
    /// A configuration for this hub that loses patience within moments.
    func configuration(token: String? = nil) throws -> HubConfiguration {
        var configuration = HubConfiguration()
        configuration.endpoint = try HubEndpoint(url)
        configuration.token = try token.map { try HubToken($0) }
        configuration.stallLimit = .milliseconds(400)
        configuration.answerLimit = .seconds(10)
        configuration.firstPause = .milliseconds(2)
        configuration.longestPause = .milliseconds(20)
        configuration.maximumAttempts = 4
        return configuration
    }

    /// Runs `body` with a client of this hub.
    func withClient<Result: Sendable>(
        token: String? = nil, _ change: (inout HubConfiguration) -> Void = { _ in },
        _ body: (HubClient) async throws -> Result
    ) async throws -> Result {
        var configuration = try configuration(token: token)
        change(&configuration)
        return try await HubClient.with(configuration, logger: Logger(label: "hub-tests"), body)
    }
}
