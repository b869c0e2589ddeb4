/// A user, as lists and changes answer.
package struct UserBody: Codable, Sendable, Hashable {
    package var id: Int
    package var username: String
    package var email: String
    package var role: String
    package var tokens: Int
    package var active: Bool
    package var createdAt: String

    package init(
        id: Int, username: String, email: String, role: String, tokens: Int, active: Bool, createdAt: String
    ) {
        self.id = id
        self.username = username
        self.email = email
        self.role = role
        self.tokens = tokens
        self.active = active
        self.createdAt = createdAt
    }
}

/// `GET /admin/api/users`. The node writes it as text, since it may be long.
package struct UserListBody: Codable, Sendable, Hashable {
    package var users: [UserBody]
    /// With a limit alone.
    package var next: Nullable<Int>?

    package init(users: [UserBody], next: Nullable<Int>? = nil) {
        self.users = users
        self.next = next
    }
}

/// `GET /api/me`: whom the node takes the caller for.
package struct MeBody: Codable, Sendable, Hashable {
    /// Nil for the holder of the node's key.
    @Nullable package var user: UserBody?
    package var role: String
    /// `node_key`, `session`, `api_token` or `jwt`.
    package var proof: String
    /// Of a session alone.
    package var csrfToken: String?
    /// Of users alone.
    package var passwordChangeRequired: Bool?

    package init(
        user: UserBody?, role: String, proof: String, csrfToken: String? = nil, passwordChangeRequired: Bool? = nil
    ) {
        self.user = user
        self.role = role
        self.proof = proof
        self.csrfToken = csrfToken
        self.passwordChangeRequired = passwordChangeRequired
    }
}
