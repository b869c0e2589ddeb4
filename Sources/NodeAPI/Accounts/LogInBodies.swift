/// `POST /api/auth/login`.
package struct LoggedInBody: Codable, Sendable, Hashable {
    package var user: UserBody
    package var csrfToken: String
    package var expiresAt: String
    package var passwordChangeRequired: Bool

    package init(
        user: UserBody, csrfToken: String, expiresAt: String, passwordChangeRequired: Bool
    ) {
        self.user = user
        self.csrfToken = csrfToken
        self.expiresAt = expiresAt
        self.passwordChangeRequired = passwordChangeRequired
    }
}

/// `POST /api/auth/token`.
package struct IssuedTokenBody: Codable, Sendable, Hashable {
    package var token: String
    package var expiresAt: String

    package init(
        token: String, expiresAt: String
    ) {
        self.token = token
        self.expiresAt = expiresAt
    }
}
