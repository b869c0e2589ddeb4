import Accounts
import HTTPTypes
import Hummingbird
import JSON
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/api/auth/*` and `/api/me`: logging in and out, and who one is.
struct LogInRoutes: RouteGroup {
    static let family = APIFamily.node

    /// Longer usernames and passwords are refused unread.
    private static let longestName = 256
    private static let longestPassword = 1024
    /// Anybody may send these bodies: they hold two short texts.
    private static let bodyLimitBytes = 16 << 10

    let accounts: AccountServices

    func add(to table: inout RouteTable) {
        table.post("/api/auth/login", .everybody, handler: logIn)
        table.post("/api/auth/token", .everybody, handler: issueToken)
        table.post("/api/auth/logout", .ownAccount, handler: logOut)
        table.post("/api/auth/password", .ownAccount, handler: changePassword)
        table.get("/api/me", .ownAccount, handler: me)
    }

    @Sendable private func logIn(_ request: Request, context: APIRequestContext) async throws -> Response {
        let session = try await accounts.sessions.begin(for: try await checkedPassword(request, context))
        var response = try Response.json(
            encoding: LoggedInBody(
                user: UserBody(session.user), csrfToken: session.csrfToken,
                expiresAt: session.expires.formatted(.iso8601),
                passwordChangeRequired: session.user.hasOneTimePassword))
        response.headers[.setCookie] = SessionCookie.setting(session, now: Date())
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable private func issueToken(_ request: Request, context: APIRequestContext) async throws -> Response {
        let token = try await accounts.jwts.issue(for: try await checkedPassword(request, context))
        var response = try Response.json(
            encoding: IssuedTokenBody(token: token.text, expiresAt: token.expires.formatted(.iso8601)))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable private func logOut(_ request: Request, context: APIRequestContext) async throws -> Response {
        guard let principal = context.caller.principal else {
            throw APIError.invalidRequest("the node key is no session that could be ended")
        }
        if case .apiToken(let id) = principal.proof {
            throw APIError.invalidRequest(
                "an API token is no session that could be ended",
                hint: "DELETE /admin/api/api_tokens/\(id) revokes it.")
        }
        try await accounts.authenticator.logOut(principal, from: context.address)
        var response = Response.json(["status": "ok"])
        response.headers[.setCookie] = SessionCookie.clearing
        return response
    }

    @Sendable private func changePassword(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: Self.bodyLimitBytes))
        let current = try fields.requiredString("current_password", maximumBytes: Self.longestPassword)
        let new = try Password(
            try fields.requiredString("new_password", maximumBytes: Self.longestPassword), field: "new_password")
        try fields.refuseUnread()
        guard let principal = context.caller.principal else {
            throw APIError.invalidRequest(
                "the node key has no password", hint: "PATCH /admin/api/users/{id} sets a user's password.")
        }
        do {
            try await accounts.logIns.changePassword(
                of: principal, current: current, to: new, from: ClientAddress(context.address))
        } catch let error as AccountError where error.code == .wrongCredentials {
            // The session is good: a 401 would say that it has ended.
            throw APIError(
                status: .forbidden, type: "permission_error", message: "current_password is not the password",
                parameter: "current_password")
        }
        var response = Response.json(["status": "ok", "message": "Log in with the new password."])
        response.headers[.setCookie] = SessionCookie.clearing
        return response
    }

    @Sendable private func me(_ request: Request, context: APIRequestContext) async throws -> Response {
        guard let principal = context.caller.principal else {
            return try .json(encoding: MeBody(user: nil, role: Role.admin.rawValue, proof: "node_key"))
        }
        guard let user = try await accounts.users.find(principal.user) else { throw APIError.unauthorized() }
        var me = MeBody(
            user: UserBody(user), role: user.role.rawValue, proof: "jwt",
            passwordChangeRequired: principal.hasOneTimePassword)
        switch principal.proof {
        case .session(let session): (me.proof, me.csrfToken) = ("session", session.csrfToken)
        case .apiToken: me.proof = "api_token"
        case .jwt: break
        }
        var response = try Response.json(encoding: me)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private func checkedPassword(_ request: Request, _ context: APIRequestContext) async throws -> LoggedIn {
        try refuseForeignPage(request)
        var fields = try RequestFields(try await request.json(limitBytes: Self.bodyLimitBytes))
        let username = try fields.requiredString("username", maximumBytes: Self.longestName)
        let password = try fields.requiredString("password", maximumBytes: Self.longestPassword)
        try fields.refuseUnread()
        return try await accounts.logIns.logIn(
            username: username, password: password, from: ClientAddress(context.address))
    }

    /// Another site's page must not log its reader in as somebody else, nor guess passwords from its readers' addresses.
    ///
    /// - Throws: 403 where `Origin` names another host than the request does.
    private func refuseForeignPage(_ request: Request) throws(APIError) {
        guard let origin = request.headers[.origin] else { return }
        let host = request.head.authority ?? ""
        guard ["http://\(host)", "https://\(host)"].contains(where: { $0.lowercased() == origin.lowercased() }) else {
            throw .forbidden("a page of \(origin.prefix(200)) may not log anybody in here")
        }
    }
}
