import Accounts
import Hummingbird

/// Holds callers to the configured number of requests per minute, each address by itself.
struct RateLimitMiddleware<C: Clock>: RouterMiddleware where C.Duration == Duration {
    typealias Context = APIRequestContext

    private let administration: RateLimiter<ClientAddress, C>
    private let inference: RateLimiter<ClientAddress, C>
    private let includesLoopback: Bool
    private let table: RouteTable

    init(limits: RateLimits, table: RouteTable, clock: C) {
        self.table = table
        administration = RateLimiter(perMinute: limits.administrationPerMinute, clock: clock)
        inference = RateLimiter(perMinute: limits.inferencePerMinute, clock: clock)
        includesLoopback = limits.includesLoopback
    }

    func handle(
        _ request: Request, context: APIRequestContext, next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        if let limiter = limiter(for: request.routedPath), includesLoopback || !context.isOnLoopback {
            if let wait = limiter.take(from: ClientAddress(context.address)) {
                throw APIError.rateLimited(retryAfterSeconds: max(1, Int((wait / .seconds(1)).rounded(.up))))
            }
        }
        return try await next(request, context)
    }

    private func limiter(for path: String) -> RateLimiter<ClientAddress, C>? {
        switch table.family(of: path).rateClass {
        case .administration: administration
        case .inference: inference
        case nil: nil
        }
    }
}
