import Foundation
import Store
import Synchronization
import Testing
import Timing

@testable import Accounts

/// Time that stands still until it is told to go on.
final class HandClock: Sendable {
    private let seconds = Mutex(1_700_000_000.0)

    func advance(_ duration: Duration) { seconds.withLock { $0 += duration / .seconds(1) } }

    var clock: NodeClock {
        NodeClock(
            now: { [self] in .seconds(seconds.withLock { $0 }) },
            date: { [self] in Date(timeIntervalSince1970: seconds.withLock { $0 }) })
    }
}

/// A data folder of its own with accounts in it; passwords cost next to nothing.
struct AccountFixture: Sendable {
    static let password = "correct horse"
    static let address = ClientAddress("192.0.2.1")
    /// What a test's actions are done by.
    static let actor = AuditActor.nodeKey(from: "127.0.0.1")

    let root: String
    let time = HandClock()
    let store: Store
    let accounts: AccountServices

    var path: String { root + "/shoal.sqlite" }
    var keyPath: String { root + "/jwt.key" }
    var users: Users { accounts.users }
    var ledger: TokenLedger { accounts.ledger }

    init(rules: AccountServices.Rules = .init()) throws {
        root = FileManager.default.temporaryDirectory.appending(path: "accounts-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        store = try Store(path: root + "/shoal.sqlite")
        accounts = try Self.accounts(store, keyPath: root + "/jwt.key", rules: rules, time.clock)
    }

    static func accounts(
        _ store: Store, keyPath: String, rules: AccountServices.Rules = .init(), _ clock: NodeClock
    ) throws -> AccountServices {
        var rules = rules
        if rules.hashing.cost == .standard { rules.hashing.cost = .negligible }
        return try AccountServices(store: store, keyPath: keyPath, rules: rules, clock: clock)
    }

    @discardableResult
    func add(_ name: String = "ada", role: Role = .user, tokens: Int64 = 0) async throws -> User {
        try await users.create(
            NewUser(
                username: Username(name), email: EmailAddress("\(name)@example.com"), role: role,
                password: Password(Self.password), tokens: TokenAmount(tokens)),
            by: Self.actor)
    }

    /// How a test's principal is proven.
    enum Proof: String, CaseIterable, Sendable {
        case session, apiToken, jwt
    }

    func principal(_ proof: Proof, _ name: String = "ada", _ password: String = password) async throws -> Principal {
        let entry = try await logIn(name, password)
        let credentials: Credentials =
            switch proof {
            case .session: .session(try await accounts.sessions.begin(for: entry).id, csrf: .notNeeded)
            case .apiToken:
                .bearer(try await accounts.apiTokens.create(name: "t", for: entry.user.id, by: Self.actor).text)
            case .jwt: .bearer(try await accounts.jwts.issue(for: entry).text)
            }
        guard let principal = try await accounts.authenticator.authenticate(credentials) else {
            throw AccountError(.badBearer, "nothing was shown")
        }
        return principal
    }

    func logIn(_ name: String = "ada", _ password: String = password) async throws -> LoggedIn {
        try await accounts.logIns.logIn(username: name, password: password, from: Self.address)
    }
}

func withAccounts(
    rules: AccountServices.Rules = .init(), _ body: (AccountFixture) async throws -> Void
) async throws {
    let fixture = try AccountFixture(rules: rules)
    defer { try? FileManager.default.removeItem(atPath: fixture.root) }
    try await body(fixture)
}

/// The code of the error that `body` throws; nil where it throws none or another.
func code(_ body: () async throws -> Void) async -> AccountError.Code? {
    do {
        try await body()
        return nil
    } catch { return (error as? AccountError)?.code }
}
