import HTTPTypes
import Hummingbird
import Logging

/// Says where every request comes from, and gives it an id, and every answer that id and the headers that keep browsers from mischief.
struct RequestIdentityMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let metrics: HTTPMetrics
    /// IP addresses of proxies that say whom they speak for.
    let proxies: Set<String>

    func handle(
        _ request: Request, context: APIRequestContext, next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        let began = ContinuousClock.now
        var context = context
        context.origin = RequestOrigin(context.channel.remoteAddress, request.headers, trusting: proxies)
        if let given = request.headers[.xRequestID], Self.isSensible(given) { context.requestID = given }
        context.logger[metadataKey: "hb.request.id"] = .string(context.requestID)
        var response = try await next(request, context)
        response.headers[.xRequestID] = context.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.xFrameOptions] = "DENY"
        response.headers[.referrerPolicy] = "no-referrer"
        response.headers[.contentSecurityPolicy] = "default-src 'self'; frame-ancestors 'none'; base-uri 'self'"
        metrics.record(
            method: request.method.rawValue, route: context.endpointPath ?? "NotFound", status: response.status.code,
            duration: began.duration(to: .now))
        return response
    }

    /// Whether a client's own id can be repeated in headers and logs: 1 to 128 visible ASCII characters.
    static func isSensible(_ identifier: String) -> Bool {
        let bytes = identifier.utf8
        return (1...128).contains(bytes.count) && bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

extension HTTPField.Name {
    private static func known(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is no header name") }
        return field
    }

    static let xRequestID = known("x-request-id")
    static let xAPIKey = known("x-api-key")
    static let secFetchSite = known("sec-fetch-site")
    /// What proxies add to a request.
    static let ofProxies =
        [xForwardedFor] + ["forwarded", "via", "x-forwarded-host", "x-real-ip"].map { known($0) }
    static let xForwardedFor = known("x-forwarded-for")
    /// Proves that a request with a session's cookie comes from the session's own page.
    static let xCSRFToken = known("x-csrf-token")
    static let idempotencyKey = known("idempotency-key")
    static let xFrameOptions = known("x-frame-options")
    static let referrerPolicy = known("referrer-policy")
    static let serverTiming = known("server-timing")
    /// Which nodes and layers serve a generation.
    static let xShoalRoute = known("x-shoal-route")
}
