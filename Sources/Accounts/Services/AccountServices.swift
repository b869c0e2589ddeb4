package import Store
package import Timing

/// Everything about accounts, put together: one value that a node makes at start.
package struct AccountServices: Sendable {
    /// What an operator may want otherwise.
    package struct Rules: Sendable {
        package var hashing = PasswordHasher.Limits()
        package var logIns = LogInGate.Rules()
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
    package init(store: Store, keyPath: String, rules: Rules = Rules(), clock: NodeClock = .system) throws {
        let hasher = PasswordHasher(limits: rules.hashing)
        let gate = LogInGate(rules: rules.logIns, clock: clock)
        users = try Users(store: store, hasher: hasher, gate: gate, clock: clock)
        gate.recall(try store.read(KnownNetworks.all))
        logIns = LogIns(users: users, gate: gate)
        sessions = try WebSessions(store: store, rules: rules.sessions, clock: clock)
        apiTokens = try APITokens(store: store, clock: clock)
        jwts = try JSONWebTokens(store: store, keyPath: keyPath, rules: rules.jwts, clock: clock)
        authenticator = Authenticator(sessions: sessions, tokens: apiTokens, jwts: jwts)
        ledger = try TokenLedger(store: store, clock: clock)
        audit = try AuditLog(store: store, clock: clock)
    }

    /// Makes what the first log-in would wait for. Call it when the node is reached.
    package func prepare() async throws { try await users.hasher.prepare() }

    /// Writes down what requests only take note of, so that they do not wait for the database: when sessions and API tokens were used
    /// last, and how many log-ins failed. Call it every minute, and at the end.
    ///
    /// - Parameter isEnd: whether nobody is going to call it again.
    /// - Throws: `StoreError`; what is not written down is kept for the next time.
    package func writeDown(isEnd: Bool = false) async throws {
        try await sessions.writeUses()
        try await apiTokens.writeUses()
        try await logIns.writeFailures(everything: isEnd)
    }
}
