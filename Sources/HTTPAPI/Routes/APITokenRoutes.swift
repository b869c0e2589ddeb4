import Accounts
import Hummingbird
import JSON
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/admin/api/api_tokens*`: what programs log in with. Users have their own; administrators and the node key, everybody's.
struct APITokenRoutes: RouteGroup {
    static let family = APIFamily.cluster

    let accounts: AccountServices
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.get("/admin/api/api_tokens", .user, handler: list)
        table.post("/admin/api/api_tokens", .user, handler: create)
        table.delete("/admin/api/api_tokens/{id}", .user, handler: revoke)
    }

    /// Those of the caller, or of the user that `user_id` names.
    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let user = try owner(named: try query.rowID("user_id"), context)
        try query.refuseUnread()
        guard try await accounts.users.find(user) != nil else {
            throw APIError.notFound("there is no user \(user)", parameter: "user_id")
        }
        let tokens = try await accounts.apiTokens.list(of: user)
        return try .json(encoding: APITokenListBody(tokens: tokens.map { APITokenBody($0, text: $0.shown) }))
    }

    @Sendable private func create(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let name = try fields.requiredString("name")
        let user = try owner(named: try fields.integer("user_id", in: 1...Int.max).map(Int64.init), context)
        try fields.refuseUnread()
        if let caller = context.caller.principal, caller.user != user,
            try await accounts.users.find(user)?.role == .admin
        {
            throw APIError.forbidden("an administrator's token is made by that administrator, or with the node key")
        }
        // Whoever finds a token must not get more than that one out of it, which can be revoked.
        if let caller = context.caller.principal, !caller.isAdministrator, case .apiToken = caller.proof {
            throw APIError.forbidden("an API token makes no other ones; log in with the password (“shoal login”)")
        }
        let (token, text) = try await accounts.apiTokens.create(name: name, for: user, by: context.actor)
        var response = try Response.json(encoding: APITokenBody(token, text: text), status: .created)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable private func revoke(_ request: Request, context: APIRequestContext) async throws -> Response {
        let text = try context.pathParameter("id")
        guard let id = Int64(text).flatMap({ APITokenID($0) }), text == "\(id)" else {
            throw APIError.notFound("there is no API token \(text.prefix(64))", parameter: "id")
        }
        let owner = context.caller.principal.flatMap { $0.isAdministrator ? nil : $0.user }
        try await accounts.apiTokens.revoke(id, of: owner, by: context.actor)
        return .json(["success": true])
    }

    private func owner(named id: Int64?, _ context: APIRequestContext) throws(APIError) -> UserID {
        let named = id.flatMap { UserID($0) }
        guard let principal = context.caller.principal else {
            if let named { return named }
            throw .invalidRequest(
                "the node key is no user; name one (user_id, or --user on the command line)", parameter: "user_id")
        }
        guard principal.isAdministrator || named == nil || named == principal.user else {
            throw .forbidden("the API tokens of others are for administrators")
        }
        return named ?? principal.user
    }
}

extension APITokenBody {
    /// - Parameter text: the whole token, this once, or what lists show of it.
    fileprivate init(_ token: APIToken, text: String) {
        self.init(
            id: Int(token.id.rawValue), userId: Int(token.user.rawValue), name: token.name, token: text,
            active: token.isActive, createdAt: token.created.formatted(.iso8601),
            lastUsedAt: token.lastUsed?.formatted(.iso8601))
    }
}
