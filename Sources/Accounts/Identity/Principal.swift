/// A user who has proved to be that user; only the `Authenticator` makes one.
package struct Principal: Sendable, Hashable {
    /// How it was proved.
    package enum Proof: Sendable, Hashable {
        case session(SessionHandle)
        case apiToken(APITokenID)
        case jwt(JWTHandle)
    }

    package let user: UserID
    package let username: Username
    /// What the user may do at this moment, whatever a token says.
    package let role: Role
    package let proof: Proof
    /// The user's, when it was proved.
    let generation: Int64
    /// Whether the user has to choose another password first.
    package let hasOneTimePassword: Bool

    package var isAdministrator: Bool { role == .admin }

    init(_ row: UserRow, proof: Proof) {
        user = row.user.id
        username = row.user.username
        role = row.user.role
        self.proof = proof
        generation = row.generation
        hasOneTimePassword = row.user.hasOneTimePassword
    }
}
