package import GRDB
internal import Store

/// Finds out who sent a request.
///
/// Everything is looked up anew each time, so that what was revoked is refused from the next request on.
package struct Authenticator: Sendable {
    /// Longer bearer values are refused unread.
    package static let maximumLength = 4096

    private let sessions: WebSessions
    private let tokens: APITokens
    private let jwts: JSONWebTokens

    package init(sessions: WebSessions, tokens: APITokens, jwts: JSONWebTokens) {
        self.sessions = sessions
        self.tokens = tokens
        self.jwts = jwts
    }

    /// - Returns: nil where nothing was shown. What is shown and wrong never counts as nothing.
    /// - Throws: `badBearer`, `badSession`, `expired`, `revoked`, `badCSRFToken`; `StoreError`.
    package func authenticate(_ credentials: Credentials) async throws -> Principal? {
        switch credentials {
        case .none: return nil
        case .session(let id, let csrf): return try await sessions.prove(id, csrf: csrf)
        case .bearer(let text):
            guard text.utf8.count <= Self.maximumLength else {
                throw AccountError(.badBearer, "the bearer value has more than \(Self.maximumLength) bytes")
            }
            if text.hasPrefix(APITokens.prefix) { return try await tokens.prove(text) }
            return try await jwts.prove(text)
        }
    }

    /// Checks, just before something is changed in a principal's name, that what proved them proves them still: the content of a
    /// request may come in long after its head.
    ///
    /// - Throws: `revoked`; `StoreError`.
    package func confirm(_ principal: Principal) async throws {
        try await sessions.store.read { try principal.confirm(in: $0) }
    }

    /// The same in a transaction of the caller's on the accounts' own database.
    package func confirm(_ principal: Principal, in database: Database) throws {
        try principal.confirm(in: database)
    }

    /// Ends what proved somebody: log-out. An API token is not ended by this; it is revoked.
    package func logOut(_ principal: Principal, from address: String?) async throws {
        switch principal.proof {
        case .session(let handle): try await sessions.end(handle, of: principal, from: address)
        case .jwt(let handle): try await jwts.end(handle, of: principal, from: address)
        case .apiToken: break
        }
    }
}
