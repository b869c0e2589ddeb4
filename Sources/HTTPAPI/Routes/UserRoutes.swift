import Accounts
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/admin/api/users*`: users and what they have.
struct UserRoutes: RouteGroup {
    static let family = APIFamily.cluster

    let accounts: AccountServices
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.get("/admin/api/users", .administrator, handler: list)
        table.post("/admin/api/users", .administrator, handler: create)
        table.get("/admin/api/users/{id}", .administrator, handler: show)
        table.patch("/admin/api/users/{id}", .administrator, handler: change)
        table.delete("/admin/api/users/{id}", .administrator, handler: remove)
        table.get("/admin/api/users/{id}/tokens", .administrator, handler: entries)
        table.post("/admin/api/users/{id}/tokens", .administrator, handler: grant)
    }

    // MARK: Reading

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let limit = try query.pageLimit()
        let after = try query.rowID("after")
        let username = try query.string("username")
        try query.refuseUnread()
        if let username {
            guard limit == nil, after == nil else {
                throw APIError.invalidRequest(
                    "username names one user, of whom there are no pages", parameter: "username")
            }
            // A name that nobody can have is nobody's.
            let name = try? Username(username)
            let user = if let name { try await accounts.users.find(name) } else { User?.none }
            return try .json(encoding: UserListBody(users: user.map { [UserBody($0)] } ?? []))
        }
        guard let limit else {
            guard after == nil else {
                throw APIError.invalidRequest(
                    "after needs limit, which makes the list one of pages", parameter: "after")
            }
            return Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: .init { writer in
                    try await writeEverybody(to: &writer)
                    try await writer.finish(nil)
                })
        }
        let page = try await accounts.users.list(after: after.flatMap { UserID($0) }, limit: limit)
        var text = JSONText(capacity: page.users.count * 192 + 64)
        text.raw("{\"users\":")
        text.array(page.users) { $0.user($1) }
        text.raw(",\"next\":\(page.next.map { "\($0)" } ?? "null")}")
        return .json(text.buffer)
    }

    /// The whole list in pieces, however many there are.
    private func writeEverybody(to writer: inout some ResponseBodyWriter) async throws {
        var text = JSONText()
        text.raw("{\"users\":[")
        var page = try await accounts.users.list(limit: .largest)
        var isFirst = true
        while true {
            for user in page.users {
                if !isFirst { text.raw(",") }
                isFirst = false
                text.user(user)
            }
            guard let next = page.next else { break }
            try await writer.write(text.buffer)
            text.buffer.clear()
            page = try await accounts.users.list(after: next, limit: .largest)
        }
        text.raw("]}")
        try await writer.write(text.buffer)
    }

    @Sendable private func show(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.userID()
        guard let user = try await accounts.users.find(id) else { throw APIError.noUser(id) }
        return try .json(encoding: UserBody(user))
    }

    @Sendable private func entries(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.userID()
        var query = try QueryFields(request)
        let limit = try query.pageLimit() ?? .standard
        let after = try query.rowID("after")
        try query.refuseUnread()
        guard let user = try await accounts.users.find(id) else { throw APIError.noUser(id) }
        let entries = try await accounts.ledger.entries(of: id, before: after, limit: limit)
        return try .json(
            encoding: LedgerBody(
                balance: Int(user.tokens), entries: entries.map(LedgerBody.Entry.init),
                next: entries.count == limit.rawValue ? entries.last.map { Int($0.id) } : nil))
    }

    // MARK: Changing

    @Sendable private func create(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let new = NewUser(
            username: try Username(try fields.requiredString("username")),
            email: try EmailAddress(try fields.requiredString("email")),
            role: try fields.string("role").map { text throws(AccountError) in try Role(text) } ?? .user,
            password: try Password(try fields.requiredString("password")),
            tokens: try TokenAmount(Int64(try fields.integer("tokens", in: 0...Int(TokenAmount.largest)) ?? 0)))
        try fields.refuseUnread()
        return try .json(encoding: UserBody(await accounts.users.create(new, by: context.actor)), status: .created)
    }

    @Sendable private func change(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.userID()
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        var changes = UserChanges()
        if let text = try fields.string("username") { changes.username = try Username(text) }
        if let text = try fields.string("email") { changes.email = try EmailAddress(text) }
        if let text = try fields.string("role") { changes.role = try Role(text) }
        if let text = try fields.string("password") { changes.password = try Password(text) }
        changes.isActive = try fields.bool("active")
        try fields.refuseUnread()
        return try .json(encoding: UserBody(await accounts.users.update(id, changes, by: context.actor)))
    }

    @Sendable private func remove(_ request: Request, context: APIRequestContext) async throws -> Response {
        try await accounts.users.delete(try context.userID(), by: context.actor)
        return .json(["success": true])
    }

    /// Gives tokens, or takes them where the number is negative. With an `Idempotency-Key` it happens once, however often it is sent.
    @Sendable private func grant(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.userID()
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let largest = Int(TokenAmount.largest)
        guard let tokens = try fields.integer("tokens", in: -largest...largest) else { throw fields.missing("tokens") }
        let reason = try fields.requiredString("reason")
        let key = try request.idempotencyKey() ?? .random()
        try fields.refuseUnread()
        let entry = try await accounts.ledger.grant(
            Int64(tokens), to: id, key: key, reason: reason, by: context.actor)
        return try .json(
            encoding: GrantBody(balance: Int(entry.balance), entry: LedgerBody.Entry(entry)), status: .created)
    }
}

extension Request {
    /// What `Idempotency-Key` says; nil where there is none.
    func idempotencyKey() throws -> IdempotencyKey? {
        try headers[.idempotencyKey].map { text throws(AccountError) in try IdempotencyKey(text) }
    }
}

extension QueryFields {
    /// How many entries the client wants at once; nil where it does not say.
    mutating func pageLimit() throws -> PageLimit? {
        try integer("limit", in: 1...PageLimit.largest.rawValue).map { number throws(AccountError) in
            try PageLimit(number)
        }
    }

    /// The id of a row that the page begins behind.
    mutating func rowID(_ name: String) throws(APIError) -> Int64? {
        try integer(name, in: 1...Int.max).map(Int64.init)
    }
}

extension APIRequestContext {
    /// The part of the path that names a user.
    ///
    /// - Throws: 404 where no user can have it.
    func userID() throws(APIError) -> UserID {
        let text = try pathParameter("id")
        guard let id = UserID(text) else { throw .notFound("there is no user \(text.prefix(64))", parameter: "id") }
        return id
    }
}

extension APIError {
    static func noUser(_ id: UserID) -> APIError { .notFound("there is no user \(id)", parameter: "id") }
}

extension UserBody {
    init(_ user: User) {
        self.init(
            id: Int(user.id.rawValue), username: user.username.rawValue, email: user.email.rawValue,
            role: user.role.rawValue, tokens: Int(user.tokens), active: user.isActive,
            createdAt: user.created.formatted(.iso8601))
    }
}

extension LedgerBody.Entry {
    fileprivate init(_ entry: LedgerEntry) {
        self.init(
            id: Int(entry.id), kind: entry.kind.rawValue, amount: Int(entry.amount), balance: Int(entry.balance),
            reservation: entry.reservation.map { Int($0) }, reason: entry.reason,
            createdAt: entry.date.formatted(.iso8601))
    }
}

extension JSONText {
    /// Made once: each `.iso8601` looks for its time zone anew.
    private static let timeStyle: Date.ISO8601FormatStyle = .iso8601

    /// A text and not a document, since lists of users are long.
    fileprivate mutating func user(_ user: User) {
        fixed("{\"id\":")
        integer(Int(user.id.rawValue))
        fixed(",\"username\":")
        string(user.username.rawValue)
        fixed(",\"email\":")
        string(user.email.rawValue)
        switch user.role {
        case .admin: fixed(",\"role\":\"admin\",\"tokens\":")
        case .user: fixed(",\"role\":\"user\",\"tokens\":")
        }
        integer(Int(user.tokens))
        fixed(user.isActive ? ",\"active\":true,\"created_at\":\"" : ",\"active\":false,\"created_at\":\"")
        raw(Self.timeStyle.format(user.created))
        fixed("\"}")
    }
}
