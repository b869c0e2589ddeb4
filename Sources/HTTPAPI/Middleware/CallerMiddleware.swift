import Accounts
import HTTPTypes
import Hummingbird

/// Finds out who is calling and writes it into the context. What a caller may do is each route's own rule.
struct CallerMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let key: NodeKey
    let authenticator: Authenticator
    let boundPort: BoundPort

    func handle(
        _ request: Request, context: APIRequestContext, next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let bearer = Self.presentedKey(request.headers)
        if let bearer, key.matches(bearer) {
            context.caller = .nodeKey(onLoopback: context.isOnLoopback)
            return try await next(request, context)
        }
        let isLocal = context.isOnLoopback && isDirect(request)
        if isLocal { context.caller = .loopback }
        do {
            if let principal = try await authenticator.authenticate(Self.credentials(request, bearer: bearer)) {
                context.caller = .user(principal, onLoopback: isLocal)
            }
        } catch let error as AccountError {
            context.credentialFault = CredentialFault(
                error: APIError(error, logger: context.logger), isOfBearer: bearer != nil)
        }
        return try await next(request, context)
    }

    /// The key in `Authorization: Bearer` or, as some clients send it, in `x-api-key`.
    static func presentedKey(_ headers: HTTPFields) -> Substring? {
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { return parts[1] }
        }
        // Clients that have no key send an empty one.
        return headers[.xAPIKey].flatMap { $0.isEmpty ? nil : $0[...] }
    }

    /// What the request shows: a bearer value, or else the cookie of a session.
    private static func credentials(_ request: Request, bearer: Substring?) -> Credentials {
        if let bearer { return .bearer(String(bearer)) }
        guard let session = SessionCookie.value(in: request.headers) else { return .none }
        let isSafe = [.get, .head, .options].contains(request.method)
        return .session(session, csrf: isSafe ? .notNeeded : .required(request.headers[.xCSRFToken]))
    }

    /// Whether the request names this machine and comes from no page but the node's own.
    private func isDirect(_ request: Request) -> Bool {
        guard let host = request.head.authority, LoopbackOrigin.isLoopbackHost(host) else { return false }
        guard let origin = request.headers[.origin] else { return true }
        return LoopbackOrigin.isOwn(origin, port: boundPort.value)
    }
}
