internal import GRDB

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What a user may do.
package enum Role: String, Sendable, Hashable, CaseIterable {
    case admin
    case user

    package init(_ text: String) throws(AccountError) {
        guard let role = Role(rawValue: text) else { throw .badValue("role", "is admin or user") }
        self = role
    }
}

/// Somebody with an account on this node.
package struct User: Sendable, Hashable {
    package let id: UserID
    package var username: Username
    package var email: EmailAddress
    package var role: Role
    /// Whether the user may log in, and sessions and tokens of theirs count.
    package var isActive: Bool
    package let created: Date
    /// The balance of the ledger.
    package var tokens: Int64
    /// Whether the password was made by the node, is good for one log-in, and has to be replaced.
    package var hasOneTimePassword: Bool
}

/// What a new user is made of.
package struct NewUser: Sendable {
    package var username: Username
    package var email: EmailAddress
    package var role: Role
    package var password: Password
    /// The balance to begin with.
    package var tokens: TokenAmount

    package init(
        username: Username, email: EmailAddress, role: Role = .user, password: Password, tokens: TokenAmount = .zero
    ) {
        self.username = username
        self.email = email
        self.role = role
        self.password = password
        self.tokens = tokens
    }
}

/// What is to become different about a user; what is nil stays.
package struct UserChanges: Sendable {
    package var username: Username?
    package var email: EmailAddress?
    package var role: Role?
    package var password: Password?
    package var isActive: Bool?

    package init(
        username: Username? = nil, email: EmailAddress? = nil, role: Role? = nil, password: Password? = nil,
        isActive: Bool? = nil
    ) {
        self.username = username
        self.email = email
        self.role = role
        self.password = password
        self.isActive = isActive
    }
}

/// Some users, in the order in which they were made.
package struct UserPage: Sendable {
    package var users: [User]
    /// Ask for those after this one; nil where no more are.
    package var next: UserID?
}

/// A row of the table, with what only this domain sees.
struct UserRow: Sendable {
    enum PasswordState: String, Sendable {
        /// Set by the user or an administrator.
        case chosen
        /// Made by the node, for one log-in.
        case oneTime
        /// Made by the node and used: good for choosing another one, not for logging in.
        case spent
    }

    var user: User
    var passwordHash: String
    var passwordState: PasswordState
    /// Goes up with every change that ends sessions and JWTs.
    var generation: Int64

    /// What `init(_:)` reads, in its order.
    private static let columns = "\(User.columns), accountUser.passwordHash, accountUser.generation"

    private init(_ row: Row) throws {
        user = try User(row)
        guard let state = PasswordState(rawValue: row[User.stateColumn]) else { throw User.damaged(row) }
        passwordState = state
        passwordHash = row[8]
        generation = row[9]
    }

    static func fetch(_ id: UserID, _ database: Database) throws -> UserRow {
        guard let row = try find(id, database) else { throw AccountError(.userNotFound, "there is no user \(id)") }
        return row
    }

    static func find(_ id: UserID, _ database: Database) throws -> UserRow? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT \(columns) FROM accountUser WHERE id = ?"), arguments: [id.rawValue]
        ).map(UserRow.init)
    }

    static func find(_ username: Username, _ database: Database) throws -> UserRow? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT \(columns) FROM accountUser WHERE username = ?"),
            arguments: [username.rawValue]
        ).map(UserRow.init)
    }
}

extension User {
    /// What `init(_:)` reads, in its order: the row, with the balance of the ledger's last entry.
    static let columns = """
        accountUser.id, accountUser.username, accountUser.email, accountUser.role, accountUser.active,
        accountUser.created, accountUser.passwordState,
        COALESCE((SELECT balance FROM ledgerEntry WHERE ledgerEntry.user = accountUser.id
            ORDER BY ledgerEntry.id DESC LIMIT 1), 0)
        """
    fileprivate static let stateColumn = 6

    init(_ row: Row) throws {
        let (role, state): (String, String) = (row[3], row[Self.stateColumn])
        guard let role = Role(rawValue: role) else { throw Self.damaged(row) }
        self.init(
            id: UserID(stored: row[0]), username: Username(stored: row[1]), email: EmailAddress(stored: row[2]),
            role: role, isActive: row[4], created: Date(timeIntervalSince1970: row[5]), tokens: row[7],
            hasOneTimePassword: state != UserRow.PasswordState.chosen.rawValue)
    }

    fileprivate static func damaged(_ row: Row) -> AccountError {
        AccountError(.damaged, "the row of user \(row[0] as Int64) cannot be read; restore a backup")
    }
}
