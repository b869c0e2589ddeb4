import HTTPTypes
import Hummingbird

/// Lets the node's own pages, and no others, call the node from a browser.
struct CORSPolicyMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let boundPort: BoundPort

    func handle(
        _ request: Request, context: APIRequestContext, next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let origin = request.headers[.origin] else { return try await next(request, context) }
        let isOwn = LoopbackOrigin.isOwn(origin, port: boundPort.value)
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            var response = Response(status: .noContent)
            if isOwn { allow(origin, in: &response) }
            return response
        }
        var response = try await next(request, context)
        if isOwn { allow(origin, in: &response) }
        return response
    }

    private func allow(_ origin: String, in response: inout Response) {
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlAllowMethods] = "GET, POST, PUT, PATCH, DELETE"
        response.headers[.accessControlAllowHeaders] =
            "content-type, authorization, accept, x-api-key, x-csrf-token, idempotency-key, anthropic-version"
        response.headers[.accessControlExposeHeaders] = "x-request-id, server-timing, x-shoal-route"
        response.headers[.vary] = "Origin"
    }
}
