import HTTPTypes
import Hummingbird

/// Finds out who is calling and writes it into the context. What a caller may do is each route's own rule.
struct CallerMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let key: NodeKey
    let boundPort: BoundPort

    func handle(
        _ request: Request, context: APIRequestContext, next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let isOnLoopback = context.isOnLoopback
        if let presented = Self.presentedKey(request.headers), key.matches(presented) {
            context.caller = .nodeKey(onLoopback: isOnLoopback)
        } else if isOnLoopback, isDirect(request) {
            context.caller = .loopback
        }
        return try await next(request, context)
    }

    /// The key in `Authorization: Bearer` or, as some clients send it, in `x-api-key`.
    static func presentedKey(_ headers: HTTPFields) -> Substring? {
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { return parts[1] }
        }
        return headers[.xAPIKey].map { $0[...] }
    }

    /// Whether the request names this machine and comes from no page but the node's own.
    private func isDirect(_ request: Request) -> Bool {
        guard let host = request.head.authority, LoopbackOrigin.isLoopbackHost(host) else { return false }
        guard let origin = request.headers[.origin] else { return true }
        return LoopbackOrigin.isOwn(origin, port: boundPort.value)
    }
}
