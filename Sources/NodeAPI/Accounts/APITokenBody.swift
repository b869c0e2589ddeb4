/// What a program logs in with.
package struct APITokenBody: Codable, Sendable, Hashable {
    package var id: Int
    package var userId: Int
    package var name: String
    /// The whole token when it is made, and later what lists show of it.
    package var token: String
    package var active: Bool
    package var createdAt: String
    @Nullable package var lastUsedAt: String?

    package init(
        id: Int, userId: Int, name: String, token: String, active: Bool, createdAt: String, lastUsedAt: String?
    ) {
        self.id = id
        self.userId = userId
        self.name = name
        self.token = token
        self.active = active
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
    }
}

/// `GET /admin/api/api_tokens`.
package struct APITokenListBody: Codable, Sendable, Hashable {
    package var tokens: [APITokenBody]

    package init(
        tokens: [APITokenBody]
    ) {
        self.tokens = tokens
    }
}
