/// What workers join with.
package struct ClusterTokenBody: Codable, Sendable, Hashable {
    package var id: Int
    package var name: String
    /// The whole token when it is made, and later what lists show of it.
    package var token: String
    package var active: Bool
    package var createdAt: String

    package init(
        id: Int, name: String, token: String, active: Bool, createdAt: String
    ) {
        self.id = id
        self.name = name
        self.token = token
        self.active = active
        self.createdAt = createdAt
    }
}

/// `GET /admin/api/cluster_tokens`.
package struct ClusterTokenListBody: Codable, Sendable, Hashable {
    package var tokens: [ClusterTokenBody]
    /// With a limit alone.
    package var next: Nullable<String>?

    package init(
        tokens: [ClusterTokenBody], next: Nullable<String>? = nil
    ) {
        self.tokens = tokens
        self.next = next
    }
}
