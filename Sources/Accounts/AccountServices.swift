package import Store

/// Everything about accounts, put together: one value that a node makes at start.
package struct AccountServices: Sendable {
    /// What an operator may want otherwise.
    package struct Rules: Sendable {
        package var hashing = PasswordHasher.Limits()
        package var throttle = LogInThrottle.Rules()
        package var sessions = WebSessions.Rules()
        package var jwts = JSONWebTokens.Rules()

        package init() {}
    }

    package let users: Users
    package let logIns: LogIns
    package let sessions: WebSessions
    package let apiTokens: APITokens
    package let jwts: JSONWebTokens
    package let authenticator: Authenticator
    package let ledger: TokenLedger
    package let audit: AuditLog

    /// - Parameter keyPath: the file of the key that signs JWTs, made when it does not exist.
    /// - Throws: `AccountError` of code `unusableKey`; `StoreError`.
    package init(store: Store, keyPath: String, rules: Rules = Rules(), clock: AccountClock = .system) throws {
        let hasher = try PasswordHasher(limits: rules.hashing)
        users = try Users(store: store, hasher: hasher, clock: clock)
        logIns = LogIns(users: users, rules: rules.throttle)
        sessions = try WebSessions(store: store, rules: rules.sessions, clock: clock)
        apiTokens = try APITokens(store: store, clock: clock)
        jwts = try JSONWebTokens(store: store, keyPath: keyPath, rules: rules.jwts, clock: clock)
        authenticator = Authenticator(sessions: sessions, tokens: apiTokens, jwts: jwts)
        ledger = try TokenLedger(store: store, clock: clock)
        audit = try AuditLog(store: store, clock: clock)
    }
}
