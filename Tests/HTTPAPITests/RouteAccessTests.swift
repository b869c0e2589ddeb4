import Bytes
import FoundationEssentials
import HTTPTypes
import JSON
import Link
import Logging
import Synchronization
import Testing
import Timing

@testable import Accounts
@testable import HTTPAPI

/// Every route × every caller, with the status that each gets.
@Suite("Each route lets in")
struct RouteAccessTests {
    /// Who a route is for.
    enum Kind: CaseIterable {
        case everybody
        /// Everybody, but no page of another site.
        case ownPages
        case openRead, openToUsers
        case user
        /// Users who have nothing but a one-time password, too.
        case ownAccount
        case administrator
    }

    /// The route, who it is for, and what those who are let in get for an empty JSON object.
    static let routes: [(route: String, kind: Kind, admitted: Set<Int>)] = [
        ("GET /health", .everybody, [200]),
        ("GET /health/ready", .everybody, [200]),
        ("GET /openapi.yaml", .everybody, [200]),
        ("GET /metrics", .openRead, [200]),

        ("POST /v1/chat/completions", .user, [400]),
        ("POST /v1/completions", .user, [400]),
        ("POST /v1/embeddings", .user, [400]),
        ("POST /tokenize", .user, [400]),
        ("POST /detokenize", .user, [400]),
        ("GET /v1/models", .openToUsers, [200]),
        ("GET /v1/models/{id}", .openToUsers, [200]),

        ("GET /api/admin/stats", .openRead, [200]),
        ("GET /api/admin/peers", .openRead, [200]),
        ("GET /api/admin/network-code", .administrator, [200]),
        ("POST /api/admin/leave-network", .administrator, [200]),
        ("DELETE /api/admin/peers/{id}", .administrator, [404]),
        ("POST /api/admin/join-network", .administrator, [400]),
        ("POST /api/admin/shutdown", .administrator, [200]),
        ("GET /api/admin/api-key", .administrator, [200]),
        ("GET /api/admin/models", .openRead, [200]),
        // Nobody has written down a header.
        ("GET /api/admin/models/{id}/metadata", .openRead, [400]),
        ("GET /api/admin/models/{id}/status", .openRead, [200]),
        ("GET /api/admin/models/{id}/auto-manage", .openRead, [200]),
        ("PUT /api/admin/models/{id}/auto-manage", .administrator, [200]),
        ("POST /api/admin/models/{id}/add", .administrator, [200, 202]),
        ("DELETE /api/admin/models/{id}", .administrator, [200]),
        ("DELETE /api/admin/models/{id}/shards/{index}", .administrator, [200]),
        ("POST /api/admin/models/{id}/unload", .administrator, [200]),
        ("POST /api/admin/models/{id}/shards/{index}/load", .administrator, [200]),
        ("POST /api/admin/models/{id}/shards/{index}/unload", .administrator, [200]),
        ("PUT /api/admin/models/{id}/shards/{index}/lock", .administrator, [400]),
        ("POST /api/admin/models/{id}/shards/{index}/download", .administrator, [200, 202]),
        ("POST /api/admin/rescan-shards", .administrator, [200]),
        ("GET /api/admin/downloads", .openRead, [200]),
        ("POST /api/admin/downloads/{id}/cancel", .administrator, [200]),
        ("GET /api/admin/hf/search", .openRead, [200]),
        ("GET /api/admin/hf/files", .openRead, [400]),
        ("GET /api/admin/hf/probe", .openRead, [400]),
        ("GET /api/admin/hf/source/{id}", .openRead, [200]),
        ("POST /api/admin/hf/download-shards", .administrator, [400]),
        ("GET /api/admin/shard-storage", .openRead, [200]),
        ("GET /api/admin/prune-history", .openRead, [200]),
        ("GET /api/admin/schedule", .openRead, [200]),
        ("PUT /api/admin/schedule", .administrator, [200]),

        ("POST /api/auth/login", .ownPages, [400]),
        ("POST /api/auth/token", .ownPages, [400]),
        ("POST /api/auth/logout", .ownAccount, [200]),
        ("POST /api/auth/password", .ownAccount, [400]),
        ("GET /api/me", .ownAccount, [200]),

        ("GET /admin/api/users", .administrator, [200]),
        ("POST /admin/api/users", .administrator, [400]),
        ("GET /admin/api/users/{id}", .administrator, [404]),
        ("PATCH /admin/api/users/{id}", .administrator, [404]),
        ("DELETE /admin/api/users/{id}", .administrator, [404]),
        ("GET /admin/api/users/{id}/tokens", .administrator, [404]),
        ("POST /admin/api/users/{id}/tokens", .administrator, [400]),
        ("GET /admin/api/api_tokens", .user, [200]),
        ("POST /admin/api/api_tokens", .user, [400]),
        ("DELETE /admin/api/api_tokens/{id}", .user, [404]),
        ("GET /admin/api/audit", .administrator, [200]),

        ("GET /admin/api/cluster_tokens", .administrator, [200]),
        ("POST /admin/api/cluster_tokens", .administrator, [400]),
        ("DELETE /admin/api/cluster_tokens/{id}", .administrator, [404]),
        ("GET /admin/api/cluster_clients", .administrator, [200]),
        ("GET /api/admin/cluster_nodes", .administrator, [200]),
        ("POST /api/admin/cluster_nodes/set_driver", .administrator, [400]),

        ("POST /api/v1/admin/lora/upload", .administrator, [415]),
        ("POST /api/v1/lora/upload", .user, [415]),
        ("GET /api/v1/admin/lora", .administrator, [200]),
        ("DELETE /api/v1/admin/lora", .administrator, [422]),
        ("GET /api/v1/admin/lora/bin", .administrator, [200]),
        ("DELETE /api/v1/admin/lora/bin", .administrator, [422]),
        ("POST /api/v1/admin/lora/restore", .administrator, [422]),
        ("POST /admin/lora/upload", .administrator, [415]),
        ("POST /lora/upload", .user, [415]),
        ("GET /admin/lora", .administrator, [200]),
        ("DELETE /admin/lora", .administrator, [422]),
        ("GET /admin/lora/bin", .administrator, [200]),
        ("DELETE /admin/lora/bin", .administrator, [422]),
        ("POST /admin/lora/restore", .administrator, [422]),
        ("GET /admin/api/browse", .administrator, [200]),
        ("POST /admin/api/train", .user, [400]),
        ("GET /admin/api/jobs", .user, [200]),
        ("GET /admin/api/jobs/{id}", .user, [404]),
        ("POST /admin/api/jobs/{id}/cancel", .user, [404]),
        ("GET /admin/api/jobs/{id}/log", .user, [404]),
    ]

    /// What becomes of a caller at a route: let in, or refused with a status.
    enum Outcome { case admitted, refused(Int) }

    /// Who calls.
    enum CallerKind: String, CaseIterable {
        case nobody = "nobody, through a foreign page"
        case loopback = "nobody, on loopback"
        case userJWT = "a user's JWT"
        case userToken = "a user's API token"
        case userSession = "a user's session"
        case administratorJWT = "an administrator's JWT"
        case administratorToken = "an administrator's API token"
        case administratorSession = "an administrator's session"
        case sessionWithoutCSRF = "an administrator's session without its CSRF header"
        case sessionWithWrongCSRF = "an administrator's session with another one's CSRF header"
        case oneTimePassword = "an administrator with a one-time password"
        case nodeKey = "the node key"
        case deactivatedJWT = "a deactivated user's JWT"
        case deactivatedToken = "a deactivated user's API token"
        case deactivatedSession = "a deactivated user's session"
        case revokedToken = "a revoked API token"
        case expiredJWT = "an expired JWT"
        case expiredSession = "an expired session"
        case forgedJWT = "a JWT whose role was changed"
        case wrongKeyJWT = "a JWT of another node"
        case unsignedJWT = "a JWT without a signature"
        case madeUpToken = "a made-up API token"
        case rubbish = "rubbish as a bearer value"

        /// Whether it proves nothing.
        var isVoid: Bool {
            switch self {
            case .nobody, .loopback, .deactivatedJWT, .deactivatedToken, .deactivatedSession, .revokedToken,
                .expiredJWT,
                .expiredSession, .forgedJWT, .wrongKeyJWT, .unsignedJWT, .madeUpToken, .rubbish:
                true
            default: false
            }
        }

        /// Whether it shows something, and that is wrong.
        var isWrong: Bool { isVoid && self != .nobody && self != .loopback }

        var isSession: Bool { self == .deactivatedSession || self == .expiredSession }

        var isAdministrator: Bool {
            switch self {
            case .administratorJWT, .administratorToken, .administratorSession, .nodeKey: true
            default: false
            }
        }
    }

    static func outcome(_ kind: Kind, _ caller: CallerKind, isSafe: Bool, openReads: Bool) -> Outcome {
        // What is shown and wrong is nobody's anywhere; but a browser sends its cookie whether or not the session goes on.
        if caller.isWrong, !caller.isSession || (kind != .everybody && kind != .ownPages) { return .refused(401) }
        switch kind {
        case .everybody: return .admitted
        case .ownPages: return caller == .nobody ? .refused(403) : .admitted
        default: break
        }
        let isOpen = openReads && (kind == .openRead || kind == .openToUsers)
        // Whoever is on this machine need not say who they are.
        if isOpen, caller != .nobody { return .admitted }
        if caller.isVoid { return .refused(401) }
        if caller == .sessionWithoutCSRF || caller == .sessionWithWrongCSRF {
            return isSafe ? .admitted : .refused(403)
        }
        if caller == .oneTimePassword { return kind == .ownAccount ? .admitted : .refused(403) }
        switch kind {
        case .administrator, .openRead: return caller.isAdministrator ? .admitted : .refused(403)
        default: return .admitted
        }
    }

    /// What those who are let in get, where it depends on how they proved who they are.
    static func admitted(_ route: String, _ caller: CallerKind) -> Set<Int>? {
        switch (route, caller) {
        // API tokens and the node key are no sessions that end.
        case ("POST /api/auth/logout", .nodeKey), ("POST /api/auth/logout", .administratorToken),
            ("POST /api/auth/logout", .userToken):
            [400]
        // The node key has to name a user.
        case ("GET /admin/api/api_tokens", .nodeKey): [400]
        default: nil
        }
    }

    @Test("whom it is for, and nobody else", arguments: CallerKind.allCases, [true, false])
    func admits(caller: CallerKind, openReads: Bool) async throws {
        let people = try await People()
        var node = ScriptedNode()
        node.services.accounts = people.accounts
        node.configuration.openReads = openReads
        node.configuration.metricsRequireKey = !openReads
        try await node.serve { client in
            for (route, kind, admitted) in Self.routes {
                let parts = route.split(separator: " ")
                let method = try #require(HTTPRequest.Method(String(parts[0])))
                let isSafe = method == .get
                let headers = try await people.headers(of: caller)
                let answer = try await client.send(
                    method, Self.samplePath(String(parts[1])), isSafe ? nil : [:], key: nil, headers: headers)
                let admitted = Self.admitted(route, caller) ?? admitted
                switch Self.outcome(kind, caller, isSafe: isSafe, openReads: openReads) {
                case .admitted: #expect(admitted.contains(answer.status), "\(route): \(answer.status) \(answer.text)")
                case .refused(let status):
                    #expect(answer.status == status, "\(route): \(answer.text)")
                    if status == 401 { #expect(answer.headers[.wwwAuthenticate] == "Bearer") }
                }
                guard isSafe else { continue }
                let head = try await client.send(
                    .head, Self.samplePath(String(parts[1])), key: nil, headers: try await people.headers(of: caller))
                #expect(head.status == answer.status, "HEAD of \(route)")
            }
        }
    }

    @Test("users to API tokens of their own, which their password makes, and to nobody else's")
    func ownTokens() async throws {
        let people = try await People()
        var node = ScriptedNode()
        node.services.accounts = people.accounts
        let path = "/admin/api/api_tokens"
        try await node.serve { client in
            let user = try await people.headers(of: .userJWT)
            let administrator = try await people.headers(of: .administratorJWT)
            func send(
                _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue?, _ headers: HTTPFields
            ) async throws -> Answer {
                try await client.send(method, path, body, key: nil, headers: headers)
            }
            let made = try await send(.post, path, ["name": "laptop"], user)
            #expect(made.status == 201 && made.json["token"]?.string?.hasPrefix("shl_") == true)
            let own = try #require(made.json["id"]?.integer)
            let others = try #require(try await send(.post, path, ["name": "x"], administrator).json["id"]?.integer)
            let me = try #require(made.json["user_id"]?.integer)
            let listed = try await send(.get, path, nil, user).json["tokens"]?.array ?? []
            #expect(
                listed.map { $0["id"]?.integer } == [own]
                    && listed.allSatisfy { $0["token"]?.string?.hasSuffix("...") == true })
            #expect(try await send(.get, "\(path)?user_id=\(me)", nil, user).status == 200)
            // Nobody else's.
            let administratorID = try #require(try await people.accounts.users.find(Username("ada"))?.id.rawValue)
            #expect(try await send(.get, "\(path)?user_id=\(administratorID)", nil, user).status == 403)
            #expect(
                try await send(.post, path, ["name": "x", "user_id": .integer(Int(administratorID))], user).status
                    == 403)
            #expect(try await send(.delete, "\(path)/\(others)", nil, user).status == 404)
            // A token makes no other, and revokes itself.
            let token: HTTPFields = [.authorization: "Bearer \(made.json["token"]?.string ?? "")"]
            #expect(try await send(.post, path, ["name": "y"], token).status == 403)
            #expect(try await send(.delete, "\(path)/\(own)", nil, token).status == 200)
            #expect(try await send(.get, path, nil, token).status == 401)
        }
    }

    @Test("only if the table above says so: a route that is not in it fails")
    func everyRoute() {
        let node = ScriptedNode()
        let server = HTTPAPI.server(
            configuration: node.configuration, services: node.services, logger: Logger(label: "test"))
        #expect(Set(server.routeNames).symmetricDifference(Self.routes.map(\.route)) == [])
    }

    /// A path without placeholders: a model and a shard that are there, and a user and a token that are not.
    private static func samplePath(_ path: String) -> String {
        path.replacing("/models/{id}", with: "/models/demo").replacing("/downloads/{id}", with: "/downloads/demo")
            .replacing("/source/{id}", with: "/source/demo").replacing("{index}", with: "0")
            .replacing("{id}", with: "999")
    }
}

/// Users with everything that they can show, good and bad.
private struct People: Sendable {
    static let password = "correct horse"

    let accounts: AccountServices
    private let time = Time()
    private let expiredJWT: String
    private let foreignJWT: String
    private let deactivated: [RouteAccessTests.CallerKind: String]
    private let deactivatedSession: NewSession
    private let firstAdministrator: LoggedIn

    init() async throws {
        let time = time
        let clock = NodeClock(
            now: { .seconds(time.seconds) }, date: { Date(timeIntervalSince1970: time.seconds) })
        accounts = ScriptedNode.accounts(clock: clock)
        _ = try await Self.add("late", .user, to: accounts)
        expiredJWT = try await accounts.jwts.issue(for: Self.logIn("late", accounts)).text
        time.advance(by: 13 * 3600)
        let first = try #require(try await accounts.users.bootstrap())
        firstAdministrator = try await accounts.logIns.logIn(
            username: first.username.rawValue, password: first.text, from: ClientAddress("192.0.2.1"))
        for (name, role) in [("ada", Role.admin), ("bob", .user), ("gone", .admin)] {
            _ = try await Self.add(name, role, to: accounts)
        }

        let other = ScriptedNode.accounts(clock: clock)
        _ = try await Self.add("ada", .admin, to: other)
        foreignJWT = try await other.jwts.issue(for: Self.logIn("ada", other)).text

        let gone = try #require(try await accounts.users.find(Username("gone")))
        deactivated = [
            .deactivatedJWT: try await accounts.jwts.issue(for: Self.logIn("gone", accounts)).text,
            .deactivatedToken: try await accounts.apiTokens.create(name: "t", for: gone.id, by: .node).text,
        ]
        deactivatedSession = try await accounts.sessions.begin(for: Self.logIn("gone", accounts))
        try await accounts.users.deactivate(gone.id, by: .node)
    }

    func headers(of caller: RouteAccessTests.CallerKind) async throws -> HTTPFields {
        switch caller {
        case .nobody: return [.origin: "http://evil.example"]
        case .loopback: return [:]
        case .userJWT: return bearer(try await jwt(of: "bob"))
        case .administratorJWT: return bearer(try await jwt(of: "ada"))
        case .userToken: return bearer(try await token(of: "bob").text)
        case .administratorToken: return bearer(try await token(of: "ada").text)
        case .userSession: return cookie(try await session(of: "bob"))
        case .administratorSession: return cookie(try await session(of: "ada"))
        case .sessionWithoutCSRF: return cookie(try await session(of: "ada"), csrf: nil)
        case .sessionWithWrongCSRF:
            return cookie(try await session(of: "ada"), csrf: try await session(of: "ada").csrfToken)
        case .oneTimePassword:
            return cookie(try await accounts.sessions.begin(for: firstAdministrator))
        case .nodeKey: return bearer(ScriptedNode.key)
        case .deactivatedJWT, .deactivatedToken: return bearer(deactivated[caller] ?? "")
        case .deactivatedSession: return cookie(deactivatedSession)
        case .revokedToken:
            let token = try await token(of: "ada")
            try await accounts.apiTokens.revoke(token.token.id, by: .node)
            return bearer(token.text)
        case .expiredJWT: return bearer(expiredJWT)
        case .expiredSession:
            // Nobody begins another one afterwards, which would remove it.
            let session = try await session(of: "ada")
            time.advance(by: 13 * 3600)
            return cookie(session)
        case .forgedJWT:
            return bearer(
                try Self.withPayload(of: try await jwt(of: "bob")) { $0.replacing("\"user\"", with: "\"admin\"") })
        case .wrongKeyJWT: return bearer(foreignJWT)
        case .unsignedJWT:
            let parts = try await jwt(of: "ada").split(separator: ".")
            let head = Base64URL.encode(Array(#"{"alg":"none","typ":"JWT"}"#.utf8))
            return bearer("\(head).\(parts[1]).")
        case .madeUpToken: return bearer(APITokens.prefix + String(repeating: "a", count: 43))
        case .rubbish: return bearer("sk-none")
        }
    }

    private func jwt(of name: String) async throws -> String {
        try await accounts.jwts.issue(for: Self.logIn(name, accounts)).text
    }

    private func session(of name: String) async throws -> NewSession {
        // Of sessions that are too many, the oldest goes.
        time.advance(by: 1)
        return try await accounts.sessions.begin(for: Self.logIn(name, accounts))
    }

    private func token(of name: String) async throws -> (token: APIToken, text: String) {
        let user = try #require(try await accounts.users.find(Username(name)))
        // One may have a hundred.
        for old in try await accounts.apiTokens.list(of: user.id) where old.isActive {
            try await accounts.apiTokens.revoke(old.id, by: .node)
        }
        return try await accounts.apiTokens.create(name: "t", for: user.id, by: .node)
    }

    private func bearer(_ text: String) -> HTTPFields { [.authorization: "Bearer \(text)"] }

    private func cookie(_ session: NewSession) -> HTTPFields { cookie(session, csrf: session.csrfToken) }

    private func cookie(_ session: NewSession, csrf: String?) -> HTTPFields {
        var fields: HTTPFields = [.cookie: "theme=dark; \(SessionCookie.name)=\(session.id)"]
        if let csrf { fields[.xCSRFToken] = csrf }
        return fields
    }

    private static func add(_ name: String, _ role: Role, to accounts: AccountServices) async throws -> User {
        try await accounts.users.create(
            NewUser(
                username: Username(name), email: EmailAddress("\(name)@example.com"), role: role,
                password: Password(password)), by: .node)
    }

    private static func logIn(_ name: String, _ accounts: AccountServices) async throws -> LoggedIn {
        try await accounts.logIns.logIn(username: name, password: password, from: ClientAddress("192.0.2.1"))
    }

    /// The JWT with another payload under the same signature.
    private static func withPayload(of text: String, _ change: (String) -> String) throws -> String {
        let parts = text.split(separator: ".")
        let payload = String(decoding: try #require(Base64URL.decode(parts[1])), as: UTF8.self)
        let changed = change(payload)
        #expect(changed != payload)
        return "\(parts[0]).\(Base64URL.encode(Array(changed.utf8))).\(parts[2])"
    }

    /// Time that a test moves on.
    private final class Time: Sendable {
        private let now = Mutex(1_700_000_000.0)

        var seconds: Double { now.withLock { $0 } }
        func advance(by duration: Double) { now.withLock { $0 += duration } }
    }
}
