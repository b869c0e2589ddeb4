/// A user who has just shown their password; what sessions and JWTs are made for.
package struct LoggedIn: Sendable {
    package let user: User
    /// Sessions and JWTs begin only while the user has not been changed since.
    let generation: Int64
    let address: ClientAddress
}
